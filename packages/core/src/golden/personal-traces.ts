import * as z from "zod";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { fedavg } from "../algorithms/fedavg.ts";
import { createAlgorithm } from "../algorithms/registry.ts";
import { PERSONAL } from "../client/personal-half.ts";
import { layout } from "../params/layout.ts";
import { localModel, localOnly } from "../simulation/local-only.ts";
import { type FederationTrace, traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { clientLists, localProblem } from "./quadratic-problem.ts";

const traceInput = z.strictObject({
  ...localProblem,
  cohorts: clientLists,
  algorithm: z.looseObject({ name: z.string() }),
  private: z.array(z.int().min(0)).default([]),
});
type Problem = z.infer<typeof traceInput>;

/** Personal models by round and client, null before a client's first visit. */
type Personal = (number[] | null)[][];

/** `rounds`, with private coordinates as at x0, and `clients`: personal models. */
function traced(
  method: (problem: Problem) => Algorithm,
  personal: (trace: FederationTrace, problem: Problem) => Personal | Promise<Personal>,
): Operation {
  return {
    async run(input) {
      const problem = traceInput.parse(input);
      const { private: own, algorithm: _algorithm, ...quadratics } = problem;
      const trace = await traceFederation(method(problem), { ...quadratics, personal: own });
      const rounds = trace.rounds.map((shared) =>
        joined(
          problem,
          shared,
          own.map((j) => problem.x0[j]!),
        ),
      );
      return { rounds, clients: await personal(trace, problem) };
    },
  };
}

function named({ algorithm: { name, ...options } }: Problem): Algorithm {
  return createAlgorithm(name, options);
}

/** Shared and private coordinates in their places. */
function joined({ x0, private: own }: Problem, shared: readonly number[], kept: readonly number[]): number[] {
  const [others, mine] = [[...shared], [...kept]];
  return x0.map((_, j) => (own.includes(j) ? mine : others).shift()!);
}

/** For each round and client. */
function byClient(
  { clients }: Pick<FederationTrace, "clients">,
  { a }: Problem,
  modelOf: (round: number, client: number) => number[] | null,
): Personal {
  return clients.map((_, round) => a.map((_row, client) => modelOf(round, client)));
}

/** The model that a client has trained, with its personal coordinates. */
const trainedModels = (trace: FederationTrace, problem: Problem): Personal =>
  byClient(trace, problem, (round, client) => {
    const shared = trace.trained[round]!.get(client);
    const kept = trace.clients[round]!.get(client)?.[PERSONAL];
    return shared === undefined ? null : joined(problem, shared, Array.from(kept ?? []));
  });

/** The model that the method itself keeps on a client. */
const ownModels = (trace: FederationTrace, problem: Problem): Personal =>
  byClient(trace, problem, (round, client) => {
    const whole = layout([{ name: "x", shape: [problem.x0.length], role: "vector", block: "x" }]);
    const global = Float64Array.from(trace.rounds[round]!);
    const model = named(problem).ownModel!(global, trace.clients[round]!.get(client), whole);
    return model === undefined ? null : Array.from(model);
  });

/** One step of each client from each new global model. */
async function adaptedModels({ rounds }: FederationTrace, problem: Problem): Promise<Personal> {
  const { adaptation: learningRate } = named(problem);
  const { a, b } = problem;
  const adapted = async (x0: number[], client: number): Promise<number[]> => {
    if (learningRate === undefined) return x0;
    const one = { a: [a[client]!], b: [b[client]!], x0, learningRate, localSteps: 1, cohorts: [[0]] };
    return (await traceFederation(fedavg(), one)).rounds[0]!;
  };
  return Promise.all(rounds.map((x) => Promise.all(a.map((_, client) => adapted(x, client)))));
}

/** Everything is private: clients that train alone. */
const localTrace: Operation = {
  async run(input) {
    const { private: _own, algorithm: _algorithm, ...problem } = traceInput.parse(input);
    const trace = await traceFederation(localOnly, problem);
    const start = Float64Array.from(problem.x0);
    const clients = trace.clients.map((states) =>
      problem.a.map((_, client) => (states.has(client) ? Array.from(localModel(start, states.get(client))) : null)),
    );
    return { rounds: trace.rounds.map(() => [...problem.x0]), clients };
  },
};

/** FedPer with nothing private is FedAvg; with everything, clients train alone. */
function personalTrace(): Operation {
  const some = traced(named, trainedModels);
  return {
    run(input, options) {
      const { private: own, x0 } = traceInput.parse(input);
      return (new Set(own).size === x0.length ? localTrace : some).run(input, options);
    },
  };
}

export const personalTraces: Readonly<Record<string, Operation>> = {
  "trace/local": localTrace,
  "trace/fedper": personalTrace(),
  "trace/fedrep": traced(named, trainedModels),
  "trace/ditto": traced(named, ownModels),
  "trace/pfedme": traced(named, ownModels),
  "trace/perfedavg": traced(named, adaptedModels),
  "trace/perfedavg_fo": traced(named, adaptedModels),
};
