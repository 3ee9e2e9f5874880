import { AnabranchError } from "@anabranch/engine";

/** A model would be released that epsilon does not count. */
export function secondRelease(version: number): AnabranchError {
  return new AnabranchError({
    code: "live/second-release",
    message: "this private run has trained this round before, or sent another model of it to its clients",
    where: `round ${version}`,
    expected: "the newest checkpoint of the run, unchanged",
    advice: "Restore the newest checkpoint, or start a new run: epsilon would not hold for both models together.",
  });
}

/**
 * A private run was trained before, and nothing says which of its models were released.
 *
 * @example
 * ```ts
 * import { lostLedger } from "@anabranch/core/live";
 * lostLedger(7).code; // => "live/lost-ledger"
 * ```
 */
export function lostLedger(version: number): AnabranchError {
  return new AnabranchError({
    code: "live/lost-ledger",
    message: "the ledger does not know the rounds that were trained before, so what was released is unknown",
    where: `round ${version}`,
    expected: "the ledger that the run had when it stopped",
    advice: "Restore it (ledger.sqlite in the run's folder, or --ledger), or start a new run.",
  });
}
