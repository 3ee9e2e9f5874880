import { AnabranchError } from "@anabranch/engine";
import { type Vector, zerosLike } from "../params/index.ts";
import { addSeeded, type Directions } from "./directions.ts";

/** The model as a start and one coefficient for each direction of a pool. */
export interface PoolReplay {
  readonly kind: "pool";
  readonly directions: Directions;
  /** K, directions of the pool. */
  readonly size: number;
}

/**
 * w = w_0 - sum_j a_j z_j: added up in float64 in the order of j and rounded once, so that all who have w_0 and a have the
 * same bits.
 *
 * @param start w_0, [d]
 * @param coefficients a, [K]
 * @returns [d]
 */
export function poolModel(start: Vector, coefficients: Vector, { directions }: Pick<PoolReplay, "directions">): Vector {
  const sum = new Float64Array(start.length);
  for (let j = 0; j < coefficients.length; j++) addSeeded(sum, coefficients[j]!, directions, [j]);
  const model = zerosLike(start);
  for (let i = 0; i < model.length; i++) model[i] = start[i]! - sum[i]!;
  return model;
}

/** What a broadcast has for each direction of a pool, [size]. Throws `seeded/broadcast` where it has something else. */
export function numbersOfPool(vectors: Readonly<Record<string, Vector>>, name: string, size: number): Vector {
  const numbers = vectors[name];
  if (numbers?.length === size) return numbers;
  throw new AnabranchError({
    code: "seeded/broadcast",
    message: "a broadcast does not have a number for each direction of the pool",
    where: name,
    received: numbers === undefined ? "none" : `${numbers.length} numbers`,
    expected: `${size} numbers`,
    advice: "Ask the operator of the server: it does not keep to its own description of the run.",
  });
}
