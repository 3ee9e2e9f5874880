import { applyLinear, undoLinear } from "../compression/index.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { Stage } from "../protocol/index.ts";
import type { UploadCompression } from "./settings.ts";

const KEY = "linear";
const path = (round: number) => [KEY, round];

/**
 * Linear operators before secure aggregation: all clients of a round share their draws, so that what is added is the
 * compressed sum, and the server undoes it once, on the aggregate.
 */
export function linearStage(
  upload: Readonly<Record<string, Layout>>,
  settings: UploadCompression,
  make: (length: number) => Vector,
): Stage {
  const each = (vectors: Readonly<Record<string, Vector>>, change: (vector: Vector, layout: Layout) => Vector) => {
    const changed = settings.vectors.map((name) => [name, change(vectors[name]!, upload[name]!)] as const);
    return { ...vectors, ...Object.fromEntries(changed) };
  };
  return {
    name: KEY,
    keys: [{ name: KEY, shared: true, path }],
    client(update, { keys }) {
      const vectors = each(update.vectors, (vector, layout) => applyLinear(settings, layout, vector, keys[KEY]!));
      return { ...update, vectors };
    },
    server({ vectors, state }, { round, key }) {
      const drawn = key(...path(round));
      return { vectors: each(vectors, (vector, layout) => undoLinear(settings, layout, vector, drawn, make)), state };
    },
  };
}
