import { type Stage, withMetadata } from "../protocol/index.ts";
import type { PipelineSettings } from "./settings.ts";

/**
 * Gives an update its weight in weighted means. A client that claims another one is refused: the weight follows from the
 * configuration, and from examples that the server knows.
 *
 * @param isHidden the server learns neither weights nor examples of single clients
 */
export function weightStage(rule: PipelineSettings["weighting"], isHidden: boolean): Stage {
  const weightOf = (examples: number) => (rule === "examples" ? examples : 1);
  return {
    name: "weight",
    client: (update) => withMetadata(update, { weight: weightOf(update.public.examples) }),
    receive(update) {
      const { weight, examples } = update.public;
      if (isHidden || weight === weightOf(examples)) return update;
      const expected = rule === "examples" ? `that of its ${examples} examples` : "1, as all updates weigh alike";
      return { code: "update/weight", message: `the update claims the weight ${weight}, expected ${expected}` };
    },
  };
}
