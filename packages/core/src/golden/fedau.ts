import { compileProgram, type Executable, interpreter, trace } from "@anabranch/engine";
import * as z from "zod";
import { fedau, intervalsBefore, PARTICIPATION } from "../algorithms/fedau.ts";
import { entryTypes } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { clientLists, localProblem } from "./quadratic-problem.ts";

const problemOf = z.strictObject({ ...localProblem, cohorts: clientLists });
const optionsOf = z.strictObject({
  name: z.literal("fedau").optional(),
  cutoff: z.int().positive().optional(),
  serverLearningRate: z.number().positive().optional(),
});

/** `rounds`: global parameters; `weights`: omega of every client after each round. */
export const fedauOperation: Operation = {
  async run(input, given) {
    const problem = problemOf.parse(input);
    const { name: _name, ...options } = optionsOf.parse(given);
    const { rounds, clients } = await traceFederation(fedau(options), problem);
    const estimate = await loadEstimate(options.cutoff);
    const weights: number[][] = [];
    for (const [index, states] of clients.entries()) {
      const all = problem.a.map(
        (_, client) => states.get(client)?.["participation"] ?? new Float64Array(PARTICIPATION.size),
      );
      const row: number[] = [];
      for (const participation of all) row.push(await weightBefore(estimate, index + 2, participation));
      weights.push(row);
    }
    return { rounds, weights };
  },
};

/** The client's own estimate as a program: absent clients have one too. */
async function loadEstimate(cutoff: number | undefined): Promise<Executable> {
  const types = { round: { dtype: "float", shape: [] }, participation: entryTypes(PARTICIPATION) } as const;
  const graph = trace(({ round, participation }) => {
    return { weight: intervalsBefore(round, participation, cutoff).weight };
  }, types);
  return interpreter().load(compileProgram("fedau-weight", graph));
}

async function weightBefore(estimate: Executable, round: number, participation: Vector): Promise<number> {
  const scalar = (value: number) => ({ dtype: "float", shape: [], data: Float64Array.of(value) }) as const;
  const entries = PARTICIPATION.entries.map(({ name, offset }) => {
    return [`participation/${name}`, scalar(participation[offset]!)] as const;
  });
  const { weight } = await estimate.run({ round: scalar(round), ...Object.fromEntries(entries) });
  return weight!.data[0]!;
}
