import { norm2, type Vector } from "../params/vector.ts";
import type { Update } from "../protocol/message.ts";

/** The stages of a run as plain data: they are named here, never sent as code. */
export interface StageSettings {
  /** "examples": an update weighs as many examples as it was trained on; "uniform": every update weighs 1. */
  readonly weighting: "examples" | "uniform";
  /** L2 bound on the whole update, over all its vectors; 0: off. */
  readonly clipNorm: number;
}

/** A transform of the update in two halves; either may be absent. It sees sensitive vectors and public metadata apart. */
export interface Stage {
  readonly name: string;
  client?(update: Update): Update;
  server?(aggregate: Readonly<Record<string, Vector>>): Readonly<Record<string, Vector>>;
}

/** Weight, then clip: the order of the pipeline. */
export function stagesOf(settings: StageSettings): Stage[] {
  const stages = [weight(settings.weighting)];
  if (settings.clipNorm > 0) stages.push(clip(settings.clipNorm));
  return stages;
}

/** Client halves in order. */
export function applyClientStages(stages: readonly Stage[], update: Update): Update {
  return stages.reduce((u, stage) => stage.client?.(u) ?? u, update);
}

/** Server halves in reverse order, on the aggregate. */
export function applyServerStages(
  stages: readonly Stage[],
  aggregate: Readonly<Record<string, Vector>>,
): Readonly<Record<string, Vector>> {
  return stages.reduceRight((a, stage) => stage.server?.(a) ?? a, aggregate);
}

function weight(rule: StageSettings["weighting"]): Stage {
  return {
    name: "weight",
    client: (update) => ({
      ...update,
      public: { ...update.public, weight: rule === "examples" ? update.public.examples : 1 },
    }),
  };
}

/** Scales an update whose norm exceeds the bound: u <- u * min(1, C / |u|). */
function clip(bound: number): Stage {
  return {
    name: "clip",
    client(update) {
      const vectors = Object.values(update.vectors);
      const norm = Math.hypot(...vectors.map(norm2));
      if (norm <= bound) return update;
      for (const vector of vectors) for (let i = 0; i < vector.length; i++) vector[i] = (vector[i]! * bound) / norm;
      return update;
    },
  };
}
