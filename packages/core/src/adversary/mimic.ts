/**
 * Mimic: all attackers copy one honest client, which makes its data count too often (Karimireddy, He, Jaggi, ICLR 2022,
 * arXiv 2006.09365, section 4.2). The client is given, or is the one that lies farthest along the direction in which honest
 * updates differ most, learned by a power iteration over the rounds.
 */
import { dot, type Vector } from "../params/index.ts";
import { meanOf, moved, unit } from "./statistics.ts";

/** What the power iteration remembers between rounds; plain numbers. */
export interface MimicMemory {
  /** s, rounds that were learned from. */
  readonly rounds: number;
  /** Running mean of the honest updates, [d]. */
  readonly mean: Float64Array;
  /** z, direction of the largest variance, norm 1, [d]. */
  readonly direction: Float64Array;
}

/** The memory before the first round. @param direction not zero, [d] */
export function mimicMemory(direction: Vector): MimicMemory {
  return { rounds: 0, mean: new Float64Array(direction.length), direction: unit(direction) };
}

/** Learns from a round's honest updates [h][d]. */
export function learnMimic({ rounds, mean, direction }: MimicMemory, honest: readonly Vector[]): MimicMemory {
  const average = meanOf(honest);
  const nextMean = mean.map((value, j) => ((rounds + 1) * value + average[j]!) / (rounds + 2));
  let sum: Float64Array = new Float64Array(mean.length);
  for (const update of honest) {
    const offset = moved(update, -1, nextMean);
    sum = moved(sum, dot(offset, direction), offset);
  }
  const component = unit(sum);
  const mixed = direction.map((value, j) => ((rounds + 1) * value + component[j]!) / (rounds + 2));
  return { rounds: rounds + 1, mean: nextMean, direction: unit(mixed) };
}

/** Place of the honest update that lies farthest along the direction; the first of equals. */
export function mimicTarget({ direction }: MimicMemory, honest: readonly Vector[]): number {
  let [target, most] = [0, Number.NEGATIVE_INFINITY];
  for (const [i, update] of honest.entries()) {
    const length = Math.abs(dot(update, direction));
    if (length > most) [target, most] = [i, length];
  }
  return target;
}
