import { interpreter } from "@anabranch/engine";
import { type Config, type ConfigInput, resolveConfig } from "../config/index.ts";
import type { ArrayDataset } from "../data/index.ts";
import type { Backend } from "../round/backend.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import type { RunPlan, RunResult } from "../round/run-plan.ts";
import { forLiveClients } from "../simulation/for-live-clients.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { type PreparedRun, prepareRun } from "../simulation/prepare.ts";
import type { CustomParts } from "../simulation/resolve-method.ts";
import { simulatedSecureAggregation } from "../simulation/simulated-secure-aggregation.ts";
import { alteredBackend } from "./run-cohort.ts";
import type { SimulatedFederation } from "./simulated-federation.ts";

type Method = ConfigInput["algorithm"];

/** Methods that differ in what clients keep and send, and in what the server counts. */
export const LIVE_METHODS: Readonly<Record<string, Method>> = {
  fedavg: { name: "fedavg" },
  "scaffold, whose clients keep state": { name: "scaffold" },
  "fedbcgd+, whose clients send parts": { name: "fedbcgd+", blocks: 2 },
  "fedadamw, whose server counts steps": { name: "fedadamw" },
  "fedamd, with roles by round": { name: "fedamd" },
  "fedkseed, whose clients rebuild the model": { name: "fedkseed", seeds: 16 },
  "onebyte, whose clients are sent records of a log": { name: "onebyte" },
  "ferret, whose clients are sent coordinates": { name: "ferret", coordinates: 4 },
  "fedkseed-pro, with probabilities": { name: "fedkseed", seeds: 16, pro: true },
};

const points = (n: number, from: number): ArrayDataset => ({
  name: "points",
  features: { dtype: "float", shape: [n, 2], data: Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(from + i)) },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => (i * i) % 3) },
  classes: 3,
});

/**
 * Four clients with a tiny model and four rounds, on the interpreter: as it is simulated, and as it is served.
 *
 * @example
 * ```ts
 * import { smallRun } from "@anabranch/core/conformance";
 * const { prepared } = smallRun({ name: "scaffold" }, { rounds: 2 });
 * [prepared.plan.population, prepared.plan.rounds]; // => [4, 2]
 * ```
 */
export function smallRun(
  algorithm: Method,
  more: ConfigInput = {},
): { readonly config: Config; readonly prepared: PreparedRun; readonly live: PreparedRun } {
  const { config, prepared } = smallSimulation(algorithm, more);
  return { config, prepared, live: forLiveClients(prepared, config) };
}

/** The same, as it is simulated alone. */
export function smallSimulation(
  algorithm: Method,
  more: ConfigInput = {},
  own: CustomParts = {},
): { readonly config: Config; readonly prepared: PreparedRun } {
  const config = resolveConfig({
    rounds: 4,
    seed: 5,
    data: { clients: 4, partition: { scheme: "iid" } },
    model: { name: "mlp", hidden: [3, 2] },
    algorithm,
    training: { batchSize: 4, localSteps: 3, learningRate: 0.1 },
    sampler: { cohort: 3 },
    evaluation: { every: 2 },
    ...more,
  });
  const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
  const data = { train: points(48, 0), test: points(9, 1000) };
  return { config, prepared: prepareRun(config, data, identity, 0, "live", own) };
}

/** Two rounds with all four clients, whose integers are summed by a protocol. */
export function secureRun(protocol: "bonawitz" | "secagg+" | "lightsecagg", more: ConfigInput = {}) {
  const dropped = protocol === "secagg+" ? { corrupted: 0.1, dropped: 0 } : {};
  const secureAggregation = { protocol, range: 1, ...dropped };
  return smallRun({ name: "fedavg" }, { rounds: 2, sampler: { cohort: 4 }, secureAggregation, ...more });
}

/** Two rounds with all four clients, each of which adds a share of the noise; three shares are the planned noise. */
export function noisedRun(protocol: "bonawitz" | "secagg+" | "lightsecagg" = "bonawitz", more: ConfigInput = {}) {
  const dropped = protocol === "secagg+" ? { corrupted: 0.1, dropped: 0 } : {};
  const privacy = { mechanism: "discrete-gaussian", clipNorm: 0.5, noiseMultiplier: 1, delta: 1e-3 } as const;
  return smallRun(
    { name: "dp-fedavg" },
    {
      ...{ rounds: 2, sampler: { name: "uniform", cohort: 4 } },
      ...{ privacy: { ...privacy, minimumSurvivors: 3 }, secureAggregation: { protocol, ...dropped } },
      ...more,
    },
  );
}

/** Has the server die once, when client 1 has answered at a stage of secure aggregation. */
export function crashServerAt(federation: SimulatedFederation, stage: string): void {
  federation.crashNow = (client, report) => {
    const now = client === 1 && report.type === "answered" && report.stage === stage;
    if (now && federation.crashes.server === 0) federation.crashServer();
    return false;
  };
}

const simulated = new WeakMap<PreparedRun, Map<string, Promise<RunResult>>>();

/** What the run gives if the updates of each round are of these clients, and of nobody in other rounds. Simulated once. */
export function simulateParticipants(
  prepared: PreparedRun,
  participants: ReadonlyMap<number, readonly number[]>,
): Promise<RunResult> {
  const known = simulated.get(prepared) ?? new Map<string, Promise<RunResult>>();
  simulated.set(prepared, known);
  const name = JSON.stringify([...participants].map(([round, clients]) => [round, [...clients].sort()]).sort());
  const result = known.get(name) ?? simulateSmall(prepared, (backend) => leavingOut(backend, participants));
  known.set(name, result);
  return result;
}

function leavingOut(backend: Backend, participants: ReadonlyMap<number, readonly number[]>): Backend {
  const failure = { code: "client/absent", message: "not in the sum" };
  return alteredBackend(backend, (outcome, { client, version }) =>
    participants.get(version)?.includes(client) === true
      ? outcome
      : { client, failure, bytesDown: outcome.bytesDown, retried: false },
  );
}

/**
 * What the run gives without a network.
 *
 * @example
 * ```ts
 * import { simulateSmall, smallRun } from "@anabranch/core/conformance";
 * const { prepared } = smallRun({ name: "fedavg" }, { rounds: 2 });
 * (await simulateSmall(prepared)).history.map(({ clients }) => clients); // => [3, 3]
 * ```
 */
export async function simulateSmall(
  { plan, simulation }: PreparedRun,
  alter: (backend: Backend) => Backend = (backend) => backend,
): Promise<RunResult> {
  const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
  const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  const secureAggregation = await simulatedSecureAggregation(withPlainSums(plan));
  return runFederation(plan, { backend: alter(backend), evaluator, secureAggregation, ...stores, emit: () => {} });
}

/** The same sums without masks. */
function withPlainSums(plan: RunPlan): RunPlan {
  const { secureAggregation } = plan.stages;
  if (secureAggregation === undefined) return plan;
  return { ...plan, stages: { ...plan.stages, secureAggregation: { ...secureAggregation, protocol: "plain" } } };
}
