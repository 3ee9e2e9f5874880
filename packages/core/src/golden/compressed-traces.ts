import * as z from "zod";
import { fedavg } from "../algorithms/fedavg.ts";
import { flasc } from "../algorithms/flasc.ts";
import { FEEDBACK, type FeedbackSettings, feedbackWrappers, keptPositions, parseLink } from "../compression/index.ts";
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

const density = z.number().positive().max(1);
const serverOptions = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("sgd"), learningRate: z.number().positive() }),
  z.strictObject({
    name: z.literal("adamw"),
    learningRate: z.number().positive(),
    betas: z.tuple([z.number(), z.number()]).default([0.9, 0.999]),
    epsilon: z.number().positive().default(1e-8),
    weightDecay: z.number().min(0).default(0),
  }),
]);
const flascOptions = z.strictObject({
  downDensity: density,
  upDensity: density,
  localMomentum: z.number().min(0).lt(1).default(0),
  server: serverOptions,
});

const flascOperation: Operation = {
  async run(input, given) {
    const problem = problemOf.parse(input);
    const { downDensity, upDensity, localMomentum, server } = flascOptions.parse(given);
    const method = flasc({ downDensity, upDensity, ...flascServer(server) });
    const operators = (side: "up" | "down") => method.defaultCompression![side]!.map((text) => parseLink(text));
    const plain = { feedback: "none", momentum: 0, nesterov: false, masking: true, scope: "model" } as const;
    const supports: number[][][] = [];
    const positions = (density: number, bytes: Uint8Array) =>
      Array.from(keptPositions(density, problem.x0.length, bytes));
    const { rounds } = await traceFederation(
      method,
      {
        ...problem,
        momentum: localMomentum,
        compression: { ...plain, up: operators("up"), vectors: ["delta"] },
        down: { operators: operators("down"), scope: "model", feedback: "none", vectors: ["parameters"] },
      },
      {
        onMessage(message) {
          if ("scalars" in message) supports.push([positions(downDensity, message.encoded!["parameters"]!)]);
          else supports.at(-1)!.push(positions(upDensity, message.encoded!["delta"]!));
        },
      },
    );
    return { rounds, supports };
  },
};

function flascServer(server: z.infer<typeof serverOptions>) {
  const step = { serverOptimizer: server.name, serverLearningRate: server.learningRate };
  if (server.name === "sgd") return step;
  const [serverBeta1, serverBeta2] = server.betas;
  const { epsilon: serverEpsilon, weightDecay: serverWeightDecay } = server;
  return { ...step, serverBeta1, serverBeta2, serverEpsilon, serverWeightDecay };
}

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
  "trace.flasc": flascOperation,
};
