import { nf4 } from "../compression/index.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import { randomStream, rootKey } from "../random/index.ts";

/**
 * Bits of a frozen weight in the memory of a device.
 *
 * @example
 * ```ts
 * import { storageBits } from "@anabranch/core";
 * storageBits; // => [4, 8, 32]
 * ```
 */
export const storageBits = [4, 8, 32] as const;

export type StorageBits = (typeof storageBits)[number];

/** Values that share a scale, as in NF4. */
const BLOCK = 64;
const FLOAT_BYTES = 4;
const LARGEST_CODE = 127;

/**
 * Bytes of so many stored weights.
 *
 * @example
 * ```ts
 * import { storedBytes } from "@anabranch/core";
 * storedBytes(128, 4); // => 72
 * ```
 */
export function storedBytes(values: number, bits: StorageBits): number {
  const scales = bits === 32 ? 0 : FLOAT_BYTES * Math.ceil(values / BLOCK);
  return scales + Math.ceil((values * bits) / 8);
}

/**
 * Weights as they come out of storage, with which the client then computes in floats: NF4 (QLoRA, arXiv:2305.14314) for 4
 * bits, for 8 the nearest of 255 multiples of a 127th of the largest size in each block of 64.
 *
 * @example
 * ```ts
 * import { storedWeights } from "@anabranch/core";
 * storedWeights(Float64Array.of(127, 30.4, -1), 8); // => [127, 30, -1]
 * ```
 */
export function storedWeights(values: Vector, bits: StorageBits): Vector {
  const out = zerosLike(values, values.length);
  if (bits === 4) {
    // NF4 draws nothing
    const context = { floatBytes: FLOAT_BYTES, stream: randomStream(rootKey(0)) } as const;
    const compressor = nf4({ block: BLOCK });
    compressor.decode(compressor.encode(values, context), out, context);
    return out;
  }
  if (bits === 32) out.set(values);
  else for (let begin = 0; begin < values.length; begin += BLOCK) roundBlock(values, out, begin);
  return out;
}

function roundBlock(values: Vector, out: Vector, begin: number): void {
  const block = values.subarray(begin, begin + BLOCK);
  let largest = 0;
  for (const value of block) largest = Math.max(largest, Math.abs(value));
  const unit = largest / LARGEST_CODE;
  for (const [i, value] of block.entries()) out[begin + i] = unit === 0 ? 0 : Math.round(value / unit) * unit;
}
