import type { Payloads } from "../algorithms/algorithm.ts";
import { entryView, type Layout } from "../params/layout.ts";
import { isVariance } from "../params/statistics.ts";
import { isFiniteVector, type Vector } from "../params/vector.ts";
import type { InvalidUpdate, Update } from "../protocol/index.ts";

type Uploads = Pick<Payloads, "upload">;

/**
 * What is wrong with the values of an update that the server sees as it was trained: they have to be finite, as a single NaN
 * would be the model, places have to be those of their tensor, and no variance is negative. Undefined where nothing is.
 *
 * @param isExact no compression has changed them
 */
export function implausible({ upload }: Uploads, { vectors }: Update, isExact: boolean): InvalidUpdate | undefined {
  for (const [name, vector] of Object.entries(vectors)) {
    if (!isFiniteVector(vector))
      return { code: "update/not-finite", message: `the vector "${name}" of the update is not finite` };
    const sent = upload[name];
    if (sent?.statistics === true && hasNegativeVariance(sent.layout, vector))
      return { code: "update/variance", message: `the vector "${name}" of the update has a negative variance` };
    if (!isExact || sent?.places !== true || withinPlaces(sent.layout, vector) === vector) continue;
    const message = `the vector "${name}" of the update has places that its tensors do not have`;
    return { code: "update/places", message };
  }
  return undefined;
}

function hasNegativeVariance({ entries }: Layout, vector: Vector): boolean {
  return entries.filter(isVariance).some((entry) => entryView(vector, entry).some((value: number) => value < 0));
}

/** A vector whose values are places that each tensor has; the vector itself where they all are. */
export function withinPlaces({ entries }: Layout, vector: Vector): Vector {
  const fits = entries.every(({ offset, size }) =>
    vector.subarray(offset, offset + size).every((value: number) => value >= 0 && value <= size),
  );
  if (fits) return vector;
  const within = vector.slice();
  for (const { offset, size } of entries)
    for (let i = offset; i < offset + size; i++) within[i] = Math.min(size, Math.max(0, vector[i]!));
  return within;
}
