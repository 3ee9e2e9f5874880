import type { Payloads } from "../algorithms/algorithm.ts";
import type { Layout } from "../params/layout.ts";
import { isFiniteVector, type Vector } from "../params/vector.ts";
import type { InvalidUpdate, Update } from "../protocol/index.ts";

type Uploads = Pick<Payloads, "upload">;

/**
 * What is wrong with the values of an update that the server sees as it was trained: they have to be finite, as a single NaN
 * would be the model, and places have to be those of their tensor. Undefined where nothing is.
 *
 * @param isExact no compression has changed them
 */
export function implausible({ upload }: Uploads, { vectors }: Update, isExact: boolean): InvalidUpdate | undefined {
  for (const [name, vector] of Object.entries(vectors)) {
    if (!isFiniteVector(vector))
      return { code: "update/not-finite", message: `the vector "${name}" of the update is not finite` };
    const sent = upload[name];
    if (!isExact || sent?.places !== true || withinPlaces(sent.layout, vector) === vector) continue;
    const message = `the vector "${name}" of the update has places that its tensors do not have`;
    return { code: "update/places", message };
  }
  return undefined;
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
