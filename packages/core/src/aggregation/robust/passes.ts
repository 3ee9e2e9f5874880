/**
 * Computations over a set of vectors [n][d] that see a block of coordinates at a time: memory is n blocks, wherever the
 * vectors lie. A rule is a generator of passes. What drives it brings the blocks, from memory at once or from a store
 * one after the other, so both give the same bits.
 */
import type { Vector } from "../../params/vector.ts";

/** What is done with the coordinates from `begin` on of every vector: `block[i]` has those of vector i. */
export type Visit = (block: readonly Vector[], begin: number) => void;

/** A computation in passes; each `yield` is one pass over all blocks, in order. */
export type Passes<T> = Generator<Visit, T, void>;

/** Coordinates of a block. Blocks of this size decide the last bits of sums over coordinates, so it never changes. */
export const BLOCK = 4096;

/** A set of vectors as a rule sees it: as it came, or after stages that each make a set of a set. */
export interface UpdateSet {
  /** Vectors, n. */
  readonly count: number;
  /** Elements of each, d. */
  readonly size: number;
  /** This set's block from the block of the vectors that came. Valid until the next call. */
  view(block: readonly Vector[]): readonly Vector[];
}

/** One pass over a set. */
export function* over(set: UpdateSet, visit: Visit): Passes<void> {
  yield (block, begin) => visit(set.view(block), begin);
}

/**
 * Runs a computation on vectors in memory.
 *
 * @example
 * ```ts
 * import { aggregationPasses, runInMemory } from "@anabranch/core";
 * const rule = aggregationPasses({ name: "median" }, 3, 1, {});
 * runInMemory(rule, [Float32Array.of(1), Float32Array.of(2), Float32Array.of(90)], 1).aggregate; // => [2]
 * ```
 */
export function runInMemory<T>(passes: Passes<T>, vectors: readonly Vector[], size: number): T {
  for (;;) {
    const { done, value } = passes.next();
    if (done) return value;
    for (let begin = 0; begin < size; begin += BLOCK) {
      const end = Math.min(begin + BLOCK, size);
      value(
        vectors.map((vector) => vector.subarray(begin, end)),
        begin,
      );
    }
  }
}

/** Vectors that lie elsewhere, some blocks at a time. */
export interface ChunkSource {
  readonly size: number;
  /** Coordinates of a chunk: a multiple of `BLOCK`. */
  readonly chunk: number;
  /** The chunk that begins at `begin`, of every vector. */
  read(begin: number): Promise<readonly Vector[]>;
}

/** Runs a computation on vectors that are read chunk by chunk: the bits of `runInMemory`. */
export async function runFromChunks<T>(passes: Passes<T>, source: ChunkSource): Promise<T> {
  for (;;) {
    const { done, value } = passes.next();
    if (done) return value;
    for (let start = 0; start < source.size; start += source.chunk) {
      const vectors = await source.read(start);
      const length = Math.min(source.chunk, source.size - start);
      for (let begin = 0; begin < length; begin += BLOCK) {
        const end = Math.min(begin + BLOCK, length);
        value(
          vectors.map((vector) => vector.subarray(begin, end)),
          start + begin,
        );
      }
    }
  }
}

/** The vectors of a set at these places, in this order. */
export function pick(set: UpdateSet, places: readonly number[]): UpdateSet {
  return {
    count: places.length,
    size: set.size,
    view(block) {
      const vectors = set.view(block);
      return places.map((place) => vectors[place]!);
    },
  };
}
