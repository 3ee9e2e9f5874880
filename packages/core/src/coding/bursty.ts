/** Which workers were late, round by round: [rounds][late workers]. */
export type StragglerPattern = readonly (readonly number[])[];

/** Bounds on the stragglers of every window of W rounds. */
export interface BurstyModel {
  /** B: rounds from the first to the last straggling of a worker in a window, both counted. */
  readonly burst: number;
  /** W: rounds of a window. */
  readonly window: number;
  /** lambda: workers that straggle at least once in a window. */
  readonly most: number;
}

/**
 * Whether a pattern is (B, W, lambda)-bursty: in every W consecutive rounds at most lambda workers straggle, and the first
 * and the last time of each are at most B - 1 rounds apart.
 *
 * Source: M. N. Krishnan, M. R. Ebrahimi, A. Khisti, "Sequential Gradient Coding For Straggler Mitigation", ICLR 2023,
 * arXiv:2211.13802.
 *
 * @example
 * ```ts
 * import { isBursty } from "@anabranch/core";
 * isBursty([[0, 1], [], [2]], { burst: 1, window: 2, most: 2 }); // => true
 * ```
 */
export function isBursty(pattern: StragglerPattern, model: BurstyModel): boolean {
  const starts = Math.max(1, pattern.length - model.window + 1);
  for (let start = 0; start < starts; start++) {
    if (!windowConforms(pattern.slice(start, start + model.window), model)) return false;
  }
  return true;
}

function windowConforms(rounds: StragglerPattern, { burst, most }: BurstyModel): boolean {
  const first = new Map<number, number>();
  for (const [round, late] of rounds.entries()) {
    for (const worker of late) {
      const since = first.get(worker);
      if (since === undefined) first.set(worker, round);
      else if (round - since > burst - 1) return false;
    }
  }
  return first.size <= most;
}
