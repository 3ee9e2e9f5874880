import type { Schedule, Step } from "./schedule.ts";

const OUTSTANDING = "outstanding";

/**
 * Rounds of a cohort: everyone is given work when the round opens, and it ends when all have answered or failed.
 *
 * @example
 * ```ts
 * import { synchronous } from "@anabranch/core";
 * const opened = synchronous.open({}, { round: 1, cohort: [4, 7], time: 0 });
 * opened.requests; // => [{ client: 4, visit: 0 }, { client: 7, visit: 0 }]
 * opened.complete; // => false
 * ```
 */
export const synchronous: Schedule = {
  name: "synchronous",
  initial: {},
  open: (_state, { cohort }) => ({
    ...waitFor(cohort.length),
    requests: cohort.map((client) => ({ client, visit: 0 })),
  }),
  arrived: ({ [OUTSTANDING]: outstanding = [1] }) => ({
    ...waitFor(outstanding[0]! - 1),
    requests: [],
    fold: true,
    factor: 1,
  }),
  timer: (state) => ({ state, requests: [], complete: false }),
};

/** Nothing is remembered once a round is complete, so that a checkpoint holds no work. */
function waitFor(left: number): Pick<Step, "state" | "complete"> {
  return left === 0 ? { state: {}, complete: true } : { state: { [OUTSTANDING]: [left] }, complete: false };
}
