import { reconstructBlock } from "../compression/index.ts";
import { type Vector, zerosLike } from "../params/index.ts";
import type { LogRecord } from "./log.ts";
import { type BlockDirections, blockDirection } from "./projection.ts";

/**
 * The model as a start and a log of coordinates. The numbers of a record are a step and, block after block, the coordinates
 * along the K directions (r, block, j) of its round r.
 */
export interface BlockReplay extends BlockDirections {
  readonly kind: "blocks";
}

/** x <- x + step * sum_j c_j v_j, block by block: in float64, rounded once. */
export function applyBlocks(replay: BlockReplay, model: Vector, { round, numbers }: LogRecord): Vector {
  const { blocks, count } = replay;
  const next = zerosLike(model);
  let from = 0;
  for (const [l, length] of blocks.entries()) {
    const coordinates = numbers.subarray(1 + l * count, 1 + (l + 1) * count);
    const change = reconstructBlock(length, coordinates, blockDirection(replay, round, l));
    for (let i = 0; i < length; i++) next[from + i] = model[from + i]! + numbers[0]! * change[i]!;
    from += length;
  }
  return next;
}
