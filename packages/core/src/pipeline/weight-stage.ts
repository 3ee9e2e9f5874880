import { type Stage, withMetadata } from "../protocol/index.ts";
import type { PipelineSettings } from "./settings.ts";

/** Gives an update its weight in weighted means. */
export function weightStage(rule: PipelineSettings["weighting"]): Stage {
  return {
    name: "weight",
    client: (update) => withMetadata(update, { weight: rule === "examples" ? update.public.examples : 1 }),
  };
}
