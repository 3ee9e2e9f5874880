import * as z from "zod";
import { streamingDiloco } from "../algorithms/streaming-diloco.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { quadratics, vector } from "./quadratic-problem.ts";

const inputOf = z.strictObject({ ...quadratics, x0: vector, steps: z.int().positive() });
const optionsOf = z.strictObject({
  inner: z.strictObject({
    name: z.enum(["sgd", "adamw"]),
    learningRate: z.number().positive(),
    betas: z.tuple([z.number(), z.number()]).optional(),
    epsilon: z.number().positive().optional(),
    weightDecay: z.number().min(0).default(0),
  }),
  H: z.int().positive(),
  tau: z.int().min(0).default(0),
  alpha: z.number().default(0),
  fragments: z
    .array(z.array(z.int().min(0)).min(1))
    .min(1)
    .optional(),
  offsets: z.array(z.int().min(0)).optional(),
  outerLearningRate: z.number().positive(),
  outerMomentum: z.number().min(0).lt(1),
  quantizer: z.enum(["e3m0", "none"]).nullish(),
});
type Options = z.infer<typeof optionsOf>;
type Problem = Omit<z.infer<typeof inputOf>, "steps">;

/** Streaming DiLoCo with rounds of one step; DiLoCo is one fragment without delay and mixing. */
export const dilocoOperation: Operation = {
  async run(input, given) {
    const { steps, ...problem } = inputOf.parse(input);
    const options = optionsOf.parse(given);
    const coordinates = options.fragments ?? [problem.x0.map((_, j) => j)];
    const method = streamingDiloco(methodOptions(options, coordinates.length));
    const form = federation(problem, options, coordinates);
    const arrived: number[][] = [];
    const observed: typeof method = {
      ...method,
      update(state, aggregate, round) {
        const next = method.update(state, aggregate, round);
        const flags = Array.from(next.vectors["arrived"]!);
        arrived.push(flags.flatMap((flag, fragment) => (flag === 1 ? [fragment] : [])));
        return next;
      },
    };
    const everyone = problem.a.map((_, worker) => worker);
    const cohorts = Array.from({ length: steps }, () => everyone);
    const { rounds, clients, server } = await traceFederation(observed, { ...form, cohorts });
    // a round without movement mixes in what has arrived with the last step
    const still = { ...form, learningRate: 0, cohorts: [everyone] };
    const { clients: mixed } = await traceFederation(method, still, { server, clients: clients.at(-1)! });
    const workers = everyone.map((worker) => Array.from(mixed[0]!.get(worker)!["parameters"]!));
    return { events: eventsOf(rounds, arrived, problem.x0, coordinates), workers };
  },
};

function methodOptions({ inner, H, tau, alpha, offsets, ...outer }: Options, fragments: number) {
  const { betas, epsilon } = inner;
  const moments = {
    ...(betas === undefined ? {} : { beta1: betas[0], beta2: betas[1] }),
    ...(epsilon === undefined ? {} : { epsilon }),
  };
  return {
    optimizer: inner.name,
    ...(inner.name === "sgd" ? {} : moments),
    ...{ fragments, period: H, delay: tau, mixing: alpha },
    ...(offsets === undefined ? {} : { offsets }),
    serverLearningRate: outer.outerLearningRate,
    serverMomentum: outer.outerMomentum,
  };
}

function federation(problem: Problem, { inner, quantizer }: Options, coordinates: number[][]) {
  const plain = { feedback: "none", momentum: 0, nesterov: false, masking: true, scope: "model" } as const;
  return {
    ...problem,
    ...{ learningRate: inner.learningRate, weightDecay: inner.weightDecay, localSteps: 1, blocks: { coordinates } },
    ...(quantizer === "e3m0" ? { compression: { ...plain, up: [{ name: "e3m0" } as const], vectors: ["delta"] } } : {}),
  };
}

/** The server's model after each arrival; of several in one step the lower fragment comes first. */
function eventsOf(rounds: number[][], arrived: number[][], x0: readonly number[], coordinates: number[][]) {
  const present = [...x0];
  return rounds.flatMap((parameters, r) =>
    arrived[r]!.map((fragment) => {
      for (const j of coordinates[fragment]!) present[j] = parameters[j]!;
      return { step: r + 1, fragment, parameters: [...present] };
    }),
  );
}
