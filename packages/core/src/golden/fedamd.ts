import * as z from "zod";
import { ANCHOR, fedamd, MINER } from "../algorithms/fedamd.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { clientLists, localProblem } from "./quadratic-problem.ts";

const optionsOf = z.strictObject({
  name: z.literal("fedamd").optional(),
  serverLearningRate: z.number().positive().optional(),
});
type Options = z.infer<typeof optionsOf>;

const roleOf = z.strictObject({ anchors: z.array(z.int().min(0)), miners: z.array(z.int().min(0)) });
const byRoles = z.strictObject({ ...localProblem, roles: z.array(roleOf) });
const byCohorts = z.strictObject({
  ...localProblem,
  algorithm: optionsOf,
  cohorts: clientLists,
  anchors: clientLists,
});

/** Roles of each round given as anchors and miners. */
export const fedamdOperation: Operation = {
  run(input, given) {
    const { roles, ...problem } = byRoles.parse(input);
    return run(problem, roles, optionsOf.parse(given));
  },
};

/** The same with cohorts and the anchors among them. */
export const fedamdTrace: Operation = {
  run(input) {
    const { algorithm, cohorts, anchors, ...problem } = byCohorts.parse(input);
    const roles = cohorts.map((cohort, round) => {
      const chosen = anchors[round] ?? [];
      return { anchors: chosen, miners: cohort.filter((client) => !chosen.includes(client)) };
    });
    return run(problem, roles, algorithm);
  },
};

async function run(
  problem: Omit<z.infer<typeof byRoles>, "roles">,
  roles: readonly z.infer<typeof roleOf>[],
  { name: _name, ...options }: Options,
): Promise<object> {
  // the table starts with the gradients of all clients at x0: a round before the first, in which all are anchors
  const everyone = { anchors: problem.a.map((_, client) => client), miners: [] };
  const script = [everyone, ...roles];
  const method = {
    ...fedamd(options),
    assign: (_parts: number, cohort: readonly number[], _key: unknown, round: number) =>
      cohort.map((client) => (script[round - 1]!.anchors.includes(client) ? ANCHOR : MINER)),
  };
  const cohorts = script.map(({ anchors, miners }) => [...anchors, ...miners].sort((a, b) => a - b));
  const { rounds } = await traceFederation(method, { ...problem, cohorts });
  return { rounds: rounds.slice(1) };
}
