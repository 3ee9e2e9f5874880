import type { AsynchronousSchedule } from "./algorithm.ts";
import { localSgd } from "./local-sgd.ts";
import { type MethodBody, vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, uniformMean } from "./shapes.ts";

/**
 * x <- x + eta_g / n * sum_i f_i D_i over the updates of a round, with the factors f_i of the method's schedule and n clients
 * in the population. In a round of all clients with factors 1 it is the mean.
 */
export function addedArrivals(
  serverLearningRate: number,
  asynchronous: { readonly schedule: AsynchronousSchedule; readonly buffer?: number },
): MethodBody {
  return vectors({ server: { parameters: MODEL }, upload: { delta: uniformMean(MODEL) } }).method({
    ...asynchronous,
    local: localSgd(),
    // the mean over the round's updates, times their number
    update: ({ parameters }, { delta }, { cohortSize, population }) => ({
      parameters: stepFrom(parameters, (serverLearningRate * cohortSize) / population, delta),
    }),
  });
}
