import type { Quadratics } from "../simulation/quadratics.ts";

/** Four clients of three coordinates that disagree about the minimum; two of them a round. */
export const HETEROGENEOUS = {
  a: [
    [1, 2, 1],
    [3, 1, 2],
    [0.5, 4, 1],
    [2, 2, 3],
  ],
  b: [
    [1, -1, 0.5],
    [-1, 2, 1],
    [2, 0, -1],
    [0, 1, 2],
  ],
  x0: [0, 0, 0],
  learningRate: 0.1,
  localSteps: 3,
  cohorts: [
    [0, 1],
    [1, 2],
    [2, 3],
    [0, 3],
  ],
} satisfies Quadratics;
