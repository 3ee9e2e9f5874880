import type { Schedule, Step } from "./schedule.ts";

const OUTSTANDING = "outstanding";

/** Rounds of a cohort: everyone is given work when the round opens, and it ends when all have answered or failed. */
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
