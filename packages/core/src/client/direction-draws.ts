import {
  cast,
  div,
  type HostTensor,
  mul,
  nn,
  reshape,
  slice,
  sub,
  type Tensor,
  type TensorTree,
  type TensorType,
  type TypeTree,
} from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { countOnes, deriveKey, type RandomKey, randomStream, signWords } from "../random/index.ts";
import { type DirectionDraw, directionInto, directionKey, numbersOfPool } from "../seeded/index.ts";

/** Whose steps, and what its broadcast has. */
export interface DrawingClient {
  readonly round: number;
  readonly client: number;
  readonly vectors: Readonly<Record<string, Vector>>;
}

/**
 * Inputs of a draw in a model of d parameters: `pick` [K], and `direction` [K, ...] for the whole model: packed signs, ones among 64 bits, or numbers.
 */
export function directionTypes({ directions: { family } }: DirectionDraw, { size }: Layout): TypeTree {
  const direction: TensorType =
    family === "rademacher"
      ? { dtype: "uint8", shape: ["K", Math.ceil(size / 8)] }
      : { dtype: family === "binomial" ? "uint8" : "float", shape: ["K", size] };
  return { pick: { dtype: "float", shape: ["K"] }, direction };
}

/** The step's direction in the shape of the model, and its number in the pool. */
export function stepDirection({ directions: { family } }: DirectionDraw, drawn: TensorTree, { size, entries }: Layout) {
  const { pick, direction } = drawn as { readonly pick: Tensor; readonly direction: Tensor };
  const whole = decoded(family, direction, size);
  const pieces = entries.map(({ name, offset, size: length, shape }) => {
    return [name, reshape(slice(whole, [offset], [offset + length]), shape)] as const;
  });
  return { pick, direction: Object.fromEntries(pieces) as ParameterTensors };
}

/** The numbers of a direction, [size]. */
function decoded(family: DirectionDraw["directions"]["family"], direction: Tensor, size: number): Tensor {
  if (family === "rademacher") {
    const ones = nn.unpackMask(reshape(direction, [1, direction.shape[0]!]), [size], 1);
    return sub(mul(reshape(ones, [size]), 2), 1);
  }
  return family === "binomial" ? div(sub(cast(direction, "float"), 32), 4) : direction;
}

/**
 * The values of K steps: which directions a client takes, and the directions.
 *
 * @param width numbers of a direction, or bytes of its packed signs
 */
export function directionInputs(
  draw: DirectionDraw,
  width: number,
  steps: number,
  key: RandomKey,
  of: DrawingClient,
  make: (length: number) => Vector,
): { readonly pick: HostTensor; readonly direction: HostTensor } {
  const { directions, pool } = draw;
  const picks = make(steps);
  if (pool !== undefined) picks.set(picksOf(draw, pool, steps, key, of));
  const pathOf = (step: number) => (pool === undefined ? [of.round - 1, of.client, step] : [picks[step]!]);
  return { pick: { dtype: "float", shape: [steps], data: picks }, direction: directionData() };

  function directionData(): HostTensor {
    const shape = [steps, width];
    if (directions.family === "given" || directions.family === "uniform") {
      const data = make(steps * width);
      for (let step = 0; step < steps; step++)
        directionInto(data.subarray(step * width, (step + 1) * width), directions, pathOf(step));
      return { dtype: "float", shape, data };
    }
    const data = new Uint8Array(steps * width);
    for (let step = 0; step < steps; step++) {
      const own = directionKey(directions.seed, pathOf(step));
      const drawn = directions.family === "binomial" ? countOnes(own, width) : signBytes(own, width);
      data.set(drawn, step * width);
    }
    return { dtype: "uint8", shape, data };
  }
}

/** Packed signs, lowest first (as on every little-endian machine). */
function signBytes(key: RandomKey, bytes: number): Uint8Array {
  return new Uint8Array(signWords(key, 8 * bytes).buffer, 0, bytes);
}

/** The picks of a client's steps. With probabilities by their running sum, added up in order: the same everywhere. */
function picksOf(
  { picks, probabilities }: DirectionDraw,
  pool: number,
  steps: number,
  key: RandomKey,
  { round, client, vectors }: DrawingClient,
): readonly number[] {
  const given = picks?.[round - 1]?.[client];
  if (given !== undefined) return given.slice(0, steps);
  const stream = randomStream(deriveKey(key, "pick"));
  if (probabilities === undefined) return Array.from({ length: steps }, () => stream.below(pool));
  const sums = Float64Array.from(numbersOfPool(vectors, probabilities, pool));
  for (let j = 1; j < pool; j++) sums[j]! += sums[j - 1]!;
  return Array.from({ length: steps }, () => {
    const at = stream.float() * sums[pool - 1]!;
    let [low, high] = [0, pool - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sums[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}
