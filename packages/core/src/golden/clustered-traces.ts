import * as z from "zod";
import { adaptiveClusters } from "../algorithms/adaptive-clusters.ts";
import type { Algorithm, ServerState } from "../algorithms/algorithm.ts";
import { clustersOf } from "../algorithms/clusters.ts";
import { ifca } from "../algorithms/ifca.ts";
import { ocfl } from "../algorithms/ocfl.ts";
import type { Quadratics } from "../simulation/quadratics.ts";
import { recording, traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { clientLists, localProblem, vectorList } from "./quadratic-problem.ts";

const problem = { ...localProblem, cohorts: clientLists };

/** The server's state after every round. */
async function statesOf(method: Algorithm, given: Quadratics): Promise<ServerState[]> {
  const states: ServerState[] = [];
  await traceFederation(
    recording(method, (_parameters, state) => states.push(state)),
    given,
  );
  return states;
}

/** The models of all clusters in a state. */
const modelLists = (state: ServerState) => clustersOf(state).models.map((model) => Array.from(model));

const ifcaInput = z.strictObject({
  ...problem,
  starts: vectorList,
  algorithm: z.strictObject({
    name: z.literal("ifca").optional(),
    clusters: z.int().positive(),
    serverLearningRate: z.number().positive().optional(),
  }),
});

/** IFCA: `rounds`, all models after each round, and `assignments`, the choices of each cohort. */
export const ifcaTrace: Operation = {
  async run(input) {
    const { algorithm, starts, ...given } = ifcaInput.parse(input);
    const { name: _name, clusters, ...options } = algorithm;
    const method = ifca({ clusters, ...options });
    const from = starts.map((start) => Float64Array.from(start));
    const started: Algorithm = { ...method, init: (parameters, model) => method.init(parameters, model, from) };
    const states = await statesOf(started, given);
    const assignments = states.map((state, round) => {
      const { assignment } = clustersOf(state);
      return given.cohorts[round]!.map((client) => assignment[client]!);
    });
    return { rounds: states.map(modelLists), assignments };
  },
};

const ocflInput = z.strictObject({
  ...problem,
  algorithm: z.strictObject({ name: z.literal("ocfl").optional(), clusters: z.int().positive() }),
});

/** OCFL: `rounds`, models of the clusters; `temperatures` until it fires; `firedRound` from 0, or -1; `assignment`. */
export const ocflTrace: Operation = {
  async run(input) {
    const { algorithm, ...given } = ocflInput.parse(input);
    const states = await statesOf(ocfl({ clusters: algorithm.clusters }), given);
    const firedRound = states.findIndex(({ scalars }) => scalars.fired === 1);
    const until = firedRound < 0 ? states.length : firedRound + 1;
    return {
      rounds: states.map(modelLists),
      temperatures: states.slice(0, until).map(({ scalars }) => scalars.temperature!),
      firedRound,
      assignment: clustersOf(states.at(-1)!).assignment,
    };
  },
};

const adaptiveInput = z.strictObject({
  ...problem,
  algorithm: z.strictObject({
    name: z.literal("adaptive").optional(),
    warmup: z.int().min(0),
    every: z.int().positive(),
    distance: z.number(),
    minimumClients: z.int().positive(),
    reptile: z.boolean(),
  }),
});

/** Adaptive clusters: `rounds`, models of the clusters; the final `clusters`. */
export const adaptiveTrace: Operation = {
  async run(input) {
    const { algorithm, ...given } = adaptiveInput.parse(input);
    const { name: _name, reptile, ...rule } = algorithm;
    const method = adaptiveClusters({ ...rule, reptileRounds: reptile ? given.cohorts.length : 0 });
    const states = await statesOf(method, given);
    const { models, assignment } = clustersOf(states.at(-1)!);
    const clusters = models.map((_, k) => assignment.flatMap((label, client) => (label === k ? [client] : [])));
    return { rounds: states.map(modelLists), clusters };
  },
};
