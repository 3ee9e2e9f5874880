import { norm2 } from "../params/vector.ts";
import { type MechanismSettings, mechanismStages } from "../privacy/mechanisms/index.ts";
import type { SecureSumSettings } from "../privacy/secure-sum/index.ts";
import type { Stage } from "../protocol/index.ts";

/** The stages of a run as plain data: they are named here, never sent as code. */
export interface StageSettings {
  /** "examples": an update weighs as many examples as it was trained on; "uniform": every update weighs 1. */
  readonly weighting: "examples" | "uniform";
  /** L2 bound on the whole update, over all its vectors; 0: off. */
  readonly clipNorm: number;
  /** Differential privacy; absent: none. */
  readonly privacy?: MechanismSettings | undefined;
  /** Updates leave as whole numbers and are summed under masks; absent: as they are. */
  readonly secureSum?: SecureSumSettings | undefined;
}

/** Weight, then clip, then noise: the order of the pipeline. */
export function stagesOf(settings: StageSettings): Stage[] {
  const stages = [weight(settings.weighting)];
  if (settings.clipNorm > 0) stages.push(clip(settings.clipNorm));
  if (settings.privacy !== undefined) stages.push(...mechanismStages(settings.privacy));
  return stages;
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
