import { AnabranchError } from "@anabranch/engine";
import type { LowRankUpdate, WeightedUpdate } from "./low-rank-update.ts";
import { meanOfFactors, meanOfPadded } from "./mean-of-factors.ts";
import { refactored } from "./refactored.ts";
import { residualCorrected } from "./residual-corrected.ts";
import { stacked } from "./stacked.ts";

/** What a rule may need. */
export interface PairRuleOptions {
  /** lora-fair: regularisation of the correction, in the units of A A^T. Default 0.01. */
  readonly lambda?: number | undefined;
  /** flexlora, zero-pad: rank of the result. Default: the largest of a client. */
  readonly rank?: number | undefined;
}

type PairRule = (updates: readonly WeightedUpdate[], options: PairRuleOptions) => LowRankUpdate;

/**
 * Regularisation of LoRA-FAIR where none is given; that of the paper.
 *
 * @example
 * ```ts
 * import { LAMBDA } from "@anabranch/core";
 * LAMBDA; // => 0.01
 * ```
 */
export const LAMBDA = 0.01;

/** How updates scale_k B_k A_k of clients become one, by the name that users type. */
export const pairRules = {
  fedit: (updates) => meanOfFactors(updates),
  "lora-fair": (updates, { lambda = LAMBDA }) => residualCorrected(updates, lambda),
  "zero-pad": (updates, { rank }) => meanOfPadded(updates, rank),
  flora: (updates) => stacked(updates),
  flexlora: (updates, { rank }) => refactored(updates, rank),
} satisfies Record<string, PairRule>;

export type PairRuleName = keyof typeof pairRules;

/**
 * The rules that aggregate pairs of low-rank factors, by name.
 *
 * @example
 * ```ts
 * import { pairRuleNames } from "@anabranch/core";
 * pairRuleNames.includes("flora"); // => true
 * ```
 */
export const pairRuleNames = Object.keys(pairRules) as [PairRuleName, ...PairRuleName[]];

/**
 * Updates of clients as one update, by a rule: "fedit", "lora-fair", "zero-pad", "flora" or "flexlora".
 *
 * @example
 * ```ts
 * import { aggregatePairs, deltaOf, matrixOf, rowsOf } from "@anabranch/core";
 * const update = (a: number, b: number) => ({ a: matrixOf([[a]]), b: matrixOf([[b]]), scale: 1, weight: 1 });
 * const updates = [update(1, 2), update(3, 4)];
 * rowsOf(deltaOf(aggregatePairs("fedit", updates))); // => [[6]]
 * rowsOf(deltaOf(aggregatePairs("flora", updates))); // => [[7]]
 * ```
 */
export function aggregatePairs(
  rule: PairRuleName,
  updates: readonly WeightedUpdate[],
  options: PairRuleOptions = {},
): LowRankUpdate {
  const unscaled = updates.find(({ scale }) => !(Number.isFinite(scale) && scale !== 0));
  if (unscaled !== undefined) {
    throw new AnabranchError({
      code: "adapters/option",
      message: "an update has no scale",
      where: "scale",
      received: `${unscaled.scale}`,
      expected: "alpha / rank, which is not 0",
    });
  }
  return pairRules[rule](updates, options);
}
