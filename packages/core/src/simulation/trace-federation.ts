import { interpreter } from "@anabranch/engine";
import type { Algorithm, ServerState } from "../algorithms/algorithm.ts";
import type { Vector } from "../params/vector.ts";
import type { Broadcast, Update } from "../protocol/index.ts";
import type { Backend } from "../round/backend.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { ClientVectors } from "../round/client-state.ts";
import type { RunEvent } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { prepareProblem, type TracedProblem } from "./classified-points.ts";
import { inProcessSimulation } from "./in-process.ts";
import { openPublicTrainer } from "./public-trainer.ts";

/** States by client. */
export type StatesByClient = ReadonlyMap<number, ClientVectors>;

/** Where a trace starts; absent: as any run does. */
export interface TraceStart {
  readonly server?: ServerState;
  readonly clients?: StatesByClient;
  /** Receives the run's events. */
  readonly onEvent?: (event: RunEvent) => void;
  /** Receives every model version that goes down and every update that comes up, as they travel. */
  readonly onMessage?: (message: Broadcast | Update) => void;
}

/** What a method did on a problem, round by round. */
export interface FederationTrace {
  /** Global parameters after every round, [rounds, d]; a round without participants repeats the one before. */
  readonly rounds: number[][];
  /** Client states after every round. */
  readonly clients: StatesByClient[];
  /** What each client has after its last local training, by rounds: the model that it was given and its change. */
  readonly trained: ReadonlyMap<number, number[]>[];
  readonly server: ServerState;
}

/**
 * Runs a method on quadratics or on points with classes through the same round loop, client tasks and server halves as any run, in float64 on the
 * interpreter.
 *
 * @example
 * ```ts
 * import { fedavg, traceFederation } from "@anabranch/core";
 * const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0], [0]] };
 * (await traceFederation(fedavg(), problem)).rounds; // => [[1], [1.5]]
 * ```
 */
export async function traceFederation(
  method: Algorithm,
  problem: TracedProblem,
  start: TraceStart = {},
): Promise<FederationTrace> {
  const executor = interpreter();
  let server: ServerState | undefined;
  const algorithm: Algorithm = recording(
    start.server === undefined ? method : { ...method, init: () => start.server! },
    (_parameters, state) => {
      server = state;
    },
  );
  const { plan, simulation, publicTraining } = prepareProblem(algorithm, problem, executor);
  const training = openPublicTrainer(publicTraining, executor);
  const { backend: plain, evaluator, close } = await inProcessSimulation(simulation, executor);
  const backend = start.onMessage === undefined ? plain : tapped(plain, start.onMessage);
  server = algorithm.init(plan.initial, plan.layout);
  const clientStates = memoryClientStates();
  for (const [client, vectors] of start.clients ?? []) await clientStates.save(client, 0, vectors);
  const rounds: number[][] = [];
  const trained: Map<number, number[]>[] = [];
  const newest = new Map<number, number[]>();
  const clients: StatesByClient[] = [];
  await runFederation(plan, {
    backend: observed(backend, (client, model) => newest.set(client, model)),
    evaluator,
    checkpoints: memoryBlobStore(),
    clientStates,
    trainer: training?.trainer,
    async emit(event) {
      start.onEvent?.(event);
      if (event.type !== "round.finished") return;
      rounds.push(Array.from(server!.vectors.parameters));
      trained.push(new Map(newest));
      const snapshot = await clientStates.snapshot();
      if (snapshot.kind === "inline") clients.push(new Map(snapshot.states.map((s) => [s.client, s.vectors])));
    },
  });
  await close();
  return { rounds, clients, trained, server };
}

/** The same backend; `record` receives what clients that send changes of the model have trained. */
function observed(backend: Backend, record: (client: number, model: number[]) => void): Backend {
  const given = new Map<string, Vector | undefined>();
  const versions = new Map<number, Vector | undefined>();
  return {
    ...backend,
    publish(version, broadcast, change) {
      versions.set(version, broadcast.vectors["parameters"]);
      return backend.publish(version, broadcast, change);
    },
    submit(order) {
      given.set(order.id, order.own?.["parameters"] ?? versions.get(order.version));
      backend.submit(order);
    },
    async outcome(id) {
      const outcome = await backend.outcome(id);
      const start = given.get(id);
      const delta = "update" in outcome ? outcome.update.vectors["delta"] : undefined;
      if (start !== undefined && start.length === delta?.length)
        record(
          outcome.client,
          Array.from(start, (value, j) => value + delta![j]!),
        );
      return outcome;
    },
  };
}

function tapped(backend: Backend, onMessage: NonNullable<TraceStart["onMessage"]>): Backend {
  return {
    ...backend,
    publish(version, broadcast, change) {
      onMessage(broadcast);
      return backend.publish(version, broadcast, change);
    },
    async outcome(id) {
      const outcome = await backend.outcome(id);
      if ("update" in outcome) onMessage(outcome.update);
      return outcome;
    },
  };
}

/**
 * The same method; `record` receives the global parameters and the whole state after every server half.
 *
 * @example
 * ```ts
 * import { fedavg, recording, traceFederation } from "@anabranch/core";
 * const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0], [0]] };
 * const seen: number[] = [];
 * await traceFederation(recording(fedavg(), (x) => seen.push(x[0]!)), problem);
 * seen; // => [1, 1.5]
 * ```
 */
export function recording(
  algorithm: Algorithm,
  record: (parameters: ArrayLike<number>, state: ServerState) => void,
): Algorithm {
  return {
    ...algorithm,
    update(state, aggregate, round) {
      const next = algorithm.update(state, aggregate, round);
      record(next.vectors.parameters, next);
      return next;
    },
  };
}
