import * as z from "zod";
import { fedavg } from "../algorithms/fedavg.ts";
import { FEEDBACK, type FeedbackSettings, feedbackWrappers } from "../compression/index.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { clientLists, localProblem } from "./quadratic-problem.ts";

const problemOf = z.strictObject({ ...localProblem, cohorts: clientLists });
type Problem = z.infer<typeof problemOf>;

/** FedAvg on quadratics whose clients send their k largest values. */
async function sparseTrace(problem: Problem, k: number, feedback: Partial<FeedbackSettings>) {
  const settings: FeedbackSettings = { feedback: "none", momentum: 0, nesterov: false, masking: true, ...feedback };
  const up = [{ name: "top-k", density: k / problem.x0.length } as const];
  const compression = { ...settings, up, scope: "model", vectors: ["delta"] } as const;
  return traceFederation(fedavg({}), { ...problem, compression });
}

/** What all clients keep after the last round, as changes x - y: the product adds y - x. */
function states(clients: Awaited<ReturnType<typeof sparseTrace>>["clients"], { a, x0 }: Problem, of: string) {
  const last = clients.at(-1);
  return a.map((_, client) => {
    const kept = last?.get(client)?.[`${FEEDBACK}delta/${of}`];
    return kept === undefined ? x0.map(() => 0) : Array.from(kept, (value) => 0 - value);
  });
}

const feedbackOptions = z.strictObject({ wrapper: z.enum(["none", ...feedbackWrappers]), k: z.int().positive() });

const errorFeedback: Operation = {
  async run(input, given) {
    const problem = problemOf.parse(input);
    const { wrapper, k } = feedbackOptions.parse(given);
    const { rounds, clients } = await sparseTrace(problem, k, { feedback: wrapper });
    return { rounds, state: states(clients, problem, wrapper === "ef14" ? "error" : "estimate") };
  },
};

const dgcOptions = z.strictObject({
  k: z.int().positive(),
  momentum: z.number(),
  nesterov: z.boolean().default(false),
  masking: z.boolean().default(true),
});

const dgc: Operation = {
  async run(input, given) {
    const problem = problemOf.parse(input);
    const { k, ...options } = dgcOptions.parse(given);
    const { rounds, clients } = await sparseTrace(problem, k, { feedback: "dgc", ...options });
    return { rounds, u: states(clients, problem, "u"), v: states(clients, problem, "v") };
  },
};

/** Federations whose uploads are compressed, as any run compresses them. */
export const compressedTraces: Readonly<Record<string, Operation>> = {
  "trace.errorFeedback": errorFeedback,
  "trace.dgc": dgc,
};
