import type { Vector } from "../params/index.ts";
import type { RandomKey, RandomStream } from "../random/index.ts";
import type { FloatBytes } from "./bits.ts";

/** A linear map R to b numbers with E[R^T R] = I, and its transpose. */
export interface Sketch {
  readonly size: number;
  /** R v, [b]. */
  apply(vector: Vector): Float64Array;
  /** R^T y, written to `out` [n]. */
  transpose(sketch: Float64Array, out: Vector): void;
}

/**
 * A compression operator on a flat vector. What `encode` returns is what travels; `decode` of it is what the receiver has.
 * Both sides make the same compressor from the same settings.
 */
export interface Compressor {
  readonly traits: CompressorTraits;
  /** The encoded vector. `vector` is finite. */
  encode(vector: Vector, context: CompressionContext): Uint8Array<ArrayBuffer>;
  /**
   * The vector that the receiver has, written to `out` [n], whose entries are 0. Throws `update/codec` for bytes that
   * `encode` cannot have written.
   */
  decode(bytes: Uint8Array, out: Vector, context: CompressionContext): void;
  /** Bytes of an encoded vector of n entries at most. */
  largest(n: number, floatBytes: FloatBytes): number;
}

/** What is known of an operator C. */
export interface CompressorTraits {
  /** C(x + y) = C(x) + C(y) for draws that all clients share, before it is decoded. */
  readonly linear: boolean;
  /** The mean of C(x) over the draws is x. */
  readonly unbiased: boolean;
  /** |C(x) - x|^2 <= (1 - a) |x|^2 in the mean over the draws, with some a > 0, which error feedback needs. */
  readonly contractive: boolean;
  /** Whether the receiver repeats the draws of the sender, whose key then travels along. */
  readonly sharesDraws: boolean;
  /** Whether the clients of a round draw alike: one table serves them all. */
  readonly oneTable?: boolean;
}

export interface CompressionContext {
  readonly floatBytes: FloatBytes;
  /** Draws of this vector. They are the same for the receiver where the compressor shares them. */
  readonly stream: Pick<RandomStream, "below" | "belows" | "uint32s">;
  /** In place of a drawn sketch, for traces. */
  readonly sketch?: Sketch | undefined;
  /** The key of `stream`, by which a table is known again. */
  readonly key?: RandomKey | undefined;
}

/** Traits of a compressor around another one. */
export function nestedTraits(outer: CompressorTraits, inner: CompressorTraits): CompressorTraits {
  return {
    linear: outer.linear && inner.linear,
    unbiased: outer.unbiased && inner.unbiased,
    contractive: outer.contractive && inner.contractive,
    sharesDraws: outer.sharesDraws || inner.sharesDraws,
    oneTable: outer.oneTable === true && inner.linear,
  };
}
