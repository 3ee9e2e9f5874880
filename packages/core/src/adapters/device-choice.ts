/** A way to train on a device: its batch, the rank of its adapters and the bits of its frozen weights, with their cost. */
export interface Candidate {
  readonly batch: number;
  readonly rank: number;
  readonly bits: number;
  /** In the unit of the device's memory. */
  readonly memory: number;
  /** In the unit of the deadline. */
  readonly time: number;
}

/**
 * FedPipe's second stage: among what fits a device's memory and the deadline the largest batch, of those the highest rank,
 * of those the most bits. There are few candidates, so all are tried, where the paper solves an integer program.
 *
 * Citation: Z. Fang et al., 2024, arXiv:2404.06448, section 4.3.
 * @returns undefined where nothing fits
 * @example
 * ```ts
 * import { chooseForDevice } from "@anabranch/core";
 * const candidates = [4, 8].map((batch) => ({ batch, rank: 2, bits: 8, memory: 10 * batch, time: batch }));
 * chooseForDevice(candidates, { memory: 100, deadline: 5 })?.batch; // => 4
 * ```
 */
export function chooseForDevice<C extends Candidate>(
  candidates: readonly C[],
  { memory, deadline }: { readonly memory: number; readonly deadline: number },
): C | undefined {
  return candidates
    .filter((candidate) => candidate.memory <= memory && candidate.time <= deadline)
    .toSorted((x, y) => y.batch - x.batch || y.rank - x.rank || y.bits - x.bits)[0];
}
