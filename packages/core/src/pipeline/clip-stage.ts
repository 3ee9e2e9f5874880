import { norm2 } from "../params/vector.ts";
import type { Stage } from "../protocol/index.ts";

/** Scales an update whose norm over all its vectors exceeds the bound, in place: u <- u * min(1, C / |u|). */
export function clipStage(bound: number): Stage {
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
