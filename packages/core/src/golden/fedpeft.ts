import * as z from "zod";
import { fedavg } from "../algorithms/fedavg.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { clientLists, localProblem } from "./quadratic-problem.ts";

const inputOf = z.strictObject({ ...localProblem, cohorts: clientLists });
const optionsOf = z.strictObject({ trainable: z.array(z.int().min(0)).min(1) });

/** FedAvg on some coordinates; the others are frozen and do not travel. Bytes are those of floats of 4 bytes. */
export const fedpeftTrace: Operation = {
  async run(input, given) {
    const problem = inputOf.parse(input);
    const { trainable } = optionsOf.parse(given);
    const trained = [...new Set(trainable)].sort((i, j) => i - j);
    const frozen = problem.x0.flatMap((_, j) => (trained.includes(j) ? [] : [j]));
    let sent = 0;
    const { rounds } = await traceFederation(
      fedavg({}),
      { ...problem, frozen },
      {
        onMessage(message) {
          if ("public" in message) sent = message.vectors["delta"]!.length;
        },
      },
    );
    const whole = (shared: readonly number[]) => {
      const values = [...problem.x0];
      for (const [i, j] of trained.entries()) values[j] = shared[i]!;
      return values;
    };
    return { rounds: rounds.map(whole), bytesUpPerClient: 4 * sent };
  },
};
