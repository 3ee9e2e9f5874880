import { projectBlocks, truncatedNormalVariance } from "../compression/index.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { deriveKey, permutation, type RandomKey, randomStream } from "../random/index.ts";
import { type Directions, directionInto } from "./directions.ts";

/** The directions of an update that is cut into blocks. */
export interface BlockDirections {
  readonly directions: Directions;
  /** Lengths of consecutive stretches of the model. */
  readonly blocks: readonly number[];
  /** K, directions of each block. */
  readonly count: number;
}

/** What a client sends of what it trained: coordinates along directions that the server draws as well. */
export interface Projection extends BlockDirections {
  /** What the program trains, [d], and the uploaded vector that its coordinates are, [blocks * K]. */
  readonly from: string;
  readonly into: string;
  /** Whether coordinates are scaled so that their mean over the draws is the update, or as the released code has them. */
  readonly variant: "unbiased" | "code";
  /** The order in which a client takes the directions of each block, by round and client, for traces. Default: drawn. */
  readonly orders?: readonly Readonly<Record<number, readonly (readonly number[])[]>>[];
}

/**
 * Coordinates [blocks * K] of a trained vector [d]; those along directions beyond the budget of their block are 0.
 *
 * @param key of this client's choice of directions
 */
export function projected(
  projection: Projection,
  trained: Vector,
  { round, client, key }: { readonly round: number; readonly client: number; readonly key: RandomKey },
): Float64Array {
  const { blocks: lengths, count } = projection;
  let end = 0;
  const blocks = lengths.map((length) => {
    end += length;
    return Float64Array.from(trained.subarray(end - length, end));
  });
  const orders =
    projection.orders?.[round - 1]?.[client] ??
    lengths.map((_, l) => permutation(randomStream(deriveKey(key, "order", l)), count));
  const drawn = lengths.map((_, l) => blockDirection(projection, round - 1, l));
  const { coordinates } = projectBlocks(blocks, (l, j) => drawn[l]!(j), orders, {
    directions: count,
    rho: (d) => varianceOf(projection, d),
  });
  const all = new Float64Array(lengths.length * count);
  for (const [l, chosen] of coordinates.entries()) all.set(chosen, l * count);
  return all;
}

/** The directions v_j of a block in a round, from 0; each is valid until the next. Seeded ones have entries up to 1 / sqrt(d). */
export function blockDirection({ directions, blocks }: BlockDirections, round: number, block: number) {
  const v = new Float64Array(blocks[block]!);
  const scale = directions.family === "given" ? 1 : 1 / Math.sqrt(v.length);
  return (j: number): Float64Array => {
    directionInto(v, directions, [round, block, j]);
    if (scale !== 1) for (let i = 0; i < v.length; i++) v[i]! *= scale;
    return v;
  };
}

/** rho of a block of length d: the variance of an entry of its directions. */
function varianceOf({ directions: { family }, variant }: Projection, d: number): number {
  if (variant === "code" || family === "rademacher" || family === "binomial") return 1 / d;
  return family === "uniform" ? (1 - 2 ** -32) / (3 * d) : truncatedNormalVariance(d);
}

/**
 * Consecutive parameters joined until a block has 0.9 of the median size of a parameter; what is left over joins the last.
 *
 * @returns lengths of the blocks, which add up to the size of the layout
 */
export function mergedBlocks({ entries }: Layout): number[] {
  const sizes = entries.map(({ size }) => size).sort((a, b) => a - b);
  const middle = sizes.length >>> 1;
  const median = sizes.length % 2 === 1 ? sizes[middle]! : (sizes[middle - 1]! + sizes[middle]!) / 2;
  const blocks: number[] = [];
  let open = 0;
  for (const { size } of entries) {
    open += size;
    if (open < 0.9 * median) continue;
    blocks.push(open);
    open = 0;
  }
  if (open > 0) blocks.push((blocks.pop() ?? 0) + open);
  return blocks;
}
