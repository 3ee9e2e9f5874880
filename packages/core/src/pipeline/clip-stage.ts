import { norm2 } from "../params/vector.ts";
import type { Stage, Update } from "../protocol/index.ts";

/** By how much rounding of single values may move a norm. */
const TOLERANCE = 1e-5;

/**
 * Scales an update whose norm over all its vectors exceeds the bound, in place: u <- u * min(1, C / |u|). The server refuses
 * what arrives beyond the bound, as a client need not keep to it.
 *
 * @param isExact what arrives is what was clipped: no stage behind this one has changed it
 */
export function clipStage(bound: number, isExact: boolean): Stage {
  return {
    name: "clip",
    client(update) {
      const norm = normOf(update);
      if (norm <= bound) return update;
      for (const vector of Object.values(update.vectors))
        for (let i = 0; i < vector.length; i++) vector[i] = (vector[i]! * bound) / norm;
      return update;
    },
    receive(update) {
      const norm = isExact ? normOf(update) : 0;
      if (norm <= bound * (1 + TOLERANCE)) return update;
      return { code: "update/clip", message: `the update has norm ${norm}, beyond aggregation.clipNorm = ${bound}` };
    },
  };
}

function normOf({ vectors }: Update): number {
  return Math.hypot(...Object.values(vectors).map(norm2));
}
