import type { ClassifiedPoints } from "../../simulation/classified-points.ts";

/** Four clients with other shares of three classes: the problem of methods that look at classes. */
export const CLASSIFIED: ClassifiedPoints = {
  points: [
    [1.5, 0.17],
    [0.87, 0.44],
    [-1.46, 1.16],
    [-0.75, 0.26],
    [-0.6, 0.99],
    [-1.35, 0.92],
    [-0.06, -1.46],
    [-0.57, 1.2],
    [1.2, 0.36],
    [-0.23, -1.27],
    [0.18, -0.51],
    [0.75, -1.39],
    [0.95, 0.53],
    [0.51, 0.85],
    [0.43, -1.5],
  ],
  labels: [0, 0, 1, 1, 1, 1, 2, 1, 0, 2, 2, 2, 0, 0, 2],
  owners: [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3],
  classes: 3,
  hidden: 3,
  x0: [
    0.47, 0.49, -0.21, -0.6, -0.11, 0.54, 0.4, -0.33, -0.57, 0.02, 0.58, 0.29, -0.43, -0.52, 0.15, 0.6, 0.17, -0.51,
    -0.44, 0.27, 0.59,
  ],
  learningRate: 0.1,
  localSteps: 3,
  cohorts: [
    [0, 1, 2, 3],
    [1, 2],
    [2, 3],
    [0, 3],
  ],
};
