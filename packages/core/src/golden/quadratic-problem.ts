import * as z from "zod";

export const vectorList = z.array(z.array(z.number()).min(1)).min(1);
export const vector = z.array(z.number()).min(1);
/** Clients by round; a round may have none. */
export const clientLists = z.array(z.array(z.int().min(0)));

/** Curvatures and minima of the clients, [clients, d]. */
export const quadratics = { a: vectorList, b: vectorList };

/** F_i(x) = 0.5 sum_j a_ij (x_j - b_ij)^2 with local gradient steps from the global model. */
export const localProblem = {
  ...quadratics,
  x0: vector,
  learningRate: z.number().positive(),
  localSteps: z.int().positive(),
};
