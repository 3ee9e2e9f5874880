import type { Schedule } from "./schedule.ts";

const OUTSTANDING = "outstanding";

/** Rounds of a cohort: everyone is given work when the round opens, and it ends when all have answered or failed. */
export const synchronous: Schedule = {
  name: "synchronous",
  initial: {},
  open: (_state, { cohort }) => ({
    state: { [OUTSTANDING]: [cohort.length] },
    requests: cohort.map((client) => ({ client, visit: 0 })),
    complete: cohort.length === 0,
  }),
  arrived({ [OUTSTANDING]: outstanding = [1] }) {
    const left = outstanding[0]! - 1;
    const complete = left === 0;
    return { state: complete ? {} : { [OUTSTANDING]: [left] }, requests: [], complete, fold: true, weight: 1 };
  },
  timer: (state) => ({ state, requests: [], complete: false }),
};
