/**
 * What the server of a run sees in one round: the run is simulated up to it, with a tap on the wire. Updates are decoded by the
 * server's own half of the pipeline; under secure aggregation it sees their sum alone.
 */
import { AnabranchError, type Executor, type HostTensor } from "@anabranch/engine";
import { planBatches } from "../client/batches.ts";
import { type ClientDataSource, openDataSource } from "../client/data-source.ts";
import type { ClientData } from "../client/run-client.ts";
import { selectTensorRows } from "../data/index.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { serverPipeline } from "../pipeline/index.ts";
import type { SecureAggregationProtocol } from "../privacy/secure-aggregation/protocol.ts";
import type { Evaluator } from "../round/backend.ts";
import { type BlobStore, memoryBlobStore } from "../round/blob-store.ts";
import { encodeCheckpoint } from "../round/checkpoint.ts";
import { checkpointName, newestCheckpoint } from "../round/checkpoint-store.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import type { RunPlan } from "../round/run-plan.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { openJudge } from "../simulation/judge.ts";
import type { PreparedRun } from "../simulation/prepare.ts";
import { type TappedMessage, tappedBackend } from "./tap.ts";

/** An observer of a round: the server, or everyone who receives the next model. */
export type Observer = "server" | "everyone";

/** A message as its observer sees it, with what an attacker is assumed to know. */
export interface Observation {
  readonly observer: Observer;
  /** "update": of one client; "sum": of all clients of the round. */
  readonly kind: "update" | "sum";
  readonly round: number;
  /** Clients whose examples are in the message. */
  readonly clients: readonly number[];
  /** The model that was sent, [d]. */
  readonly parameters: Vector;
  /** Mean gradient as the message shows it, [d]: minus its step, divided by the local steps and their rate. */
  readonly gradient: Vector;
  readonly layout: Layout;
  /** Known to the attacker: these numbers are in the metadata or in the description of a run. */
  readonly assumptions: {
    /** Different examples that the clients have trained on. */
    readonly examples: number;
    readonly batchSize: number;
    readonly localSteps: number;
    readonly learningRate: number;
  };
  /** The examples themselves, for metrics alone. */
  readonly truth: ClientData;
}

/** What is seen in a round. */
export interface ObservedRound {
  /** One client's update at the server; undefined under secure aggregation, where nobody sees it. */
  readonly update: Observation | undefined;
  /** The aggregate of all clients, after the noise of the server. */
  readonly sum: Observation;
  /** Whether the server sees the sum alone. */
  readonly isMasked: boolean;
  /** Whether the server adds noise that its own view does not have. */
  readonly hasServerNoise: boolean;
}

export interface ObserveRequest {
  /** 1-based. */
  readonly round: number;
  /** Default: the first client of the round. */
  readonly client?: number | undefined;
}

export interface ObservePorts {
  readonly executor: Executor;
  readonly secureAggregation?: SecureAggregationProtocol | undefined;
  /** Checkpoints to continue from; default: none, the run is simulated from its start. They are not written to. */
  readonly checkpoints?: Pick<BlobStore, "get" | "list"> | undefined;
}

/**
 * Simulates a run up to a round and returns what was seen in it.
 *
 * @throws `audit/round` where the run ends before, `audit/client` where the client is not in the round, `audit/upload` where
 *   the method uploads no change of the whole model, `audit/curriculum` where clients choose examples by their loss,
 *   `audit/task-stream` where data come as a stream of tasks, `audit/unlabelled` where labels are hidden
 *
 * @example
 * ```ts
 * import { observeRound } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * import { interpreter } from "@anabranch/engine";
 * const { prepared } = smallRun({ name: "fedavg" });
 * const { update, sum } = await observeRound(prepared, { round: 1 }, { executor: interpreter() });
 * update?.clients.length; // => 1
 * sum.clients.length; // => 3
 * ```
 */
export async function observeRound(
  { plan, simulation, model }: Pick<PreparedRun, "plan" | "simulation" | "model">,
  { round, client }: ObserveRequest,
  { executor, secureAggregation, checkpoints }: ObservePorts,
): Promise<ObservedRound> {
  const { curriculum, upSampling } = simulation.task;
  if (curriculum !== undefined) throw chosen("training.curriculum.order", `"${curriculum.order}"`, '"none"');
  if (upSampling !== undefined) throw chosen("training.upSampling.rounds", `${upSampling.rounds}`, "0");
  if (plan.algorithm.splitTraining !== undefined) throw divided(plan.algorithm.name);
  if (simulation.train.stream !== undefined) throw streamed();
  if (plan.unseenClasses !== undefined) throw unlabelled();
  const messages: TappedMessage[] = [];
  let aggregate: Readonly<Record<string, Vector>> | undefined;
  const { backend, close } = await inProcessSimulation(simulation, executor);
  const judging = await openJudge({ plan, simulation, model }, executor);
  const algorithm: RunPlan["algorithm"] = {
    ...plan.algorithm,
    update(state, sum, context) {
      if (context.round === round) aggregate = structuredClone(sum);
      return plan.algorithm.update(state, sum, context);
    },
  };
  const watched = { ...plan, algorithm, rounds: round, evaluateEvery: 0, patience: 0, targetAccuracy: undefined };
  try {
    await runFederation(
      { ...watched, evaluateClientsEvery: 0, evaluateModelsEvery: 0, diagnostics: undefined },
      {
        backend: tappedBackend(backend, round, { saw: (message) => void messages.push(message) }),
        evaluator: NO_EVALUATION,
        checkpoints: await begun(checkpoints, round),
        clientStates: memoryClientStates(),
        secureAggregation,
        judge: judging?.judge,
        emit() {},
      },
    );
  } finally {
    await close();
    await judging?.close();
  }
  const message = client === undefined ? messages[0] : messages.find(({ order }) => order.client === client);
  if (messages.length === 0 || aggregate === undefined) throw noRound(round, plan.rounds);
  if (message === undefined) throw noClient(client!, round, messages);
  const isMasked = plan.stages.secureAggregation !== undefined;
  const look = { plan, simulation, secureAggregation, data: openDataSource(simulation.train) };
  return {
    update: isMasked ? undefined : updateSeen(look, message),
    sum: sumSeen(look, messages, aggregate, isMasked),
    isMasked,
    hasServerNoise: plan.stages.privacy?.noise === "central",
  };
}

interface Look extends Pick<PreparedRun, "plan" | "simulation"> {
  readonly secureAggregation: SecureAggregationProtocol | undefined;
  readonly data: ClientDataSource;
}

function updateSeen(look: Look, message: TappedMessage): Observation {
  const { plan, secureAggregation } = look;
  const { order, broadcast, update } = message;
  const pipeline = serverPipeline(plan, { protocol: secureAggregation });
  const received = pipeline.receive(update, { scalars: broadcast.scalars, part: order.part });
  if ("code" in received) throw new AnabranchError(received);
  return observation(look, [message], received.vectors, { observer: "server", kind: "update" });
}

function sumSeen(
  look: Look,
  messages: readonly TappedMessage[],
  aggregate: Readonly<Record<string, Vector>>,
  isMasked: boolean,
): Observation {
  return observation(look, messages, aggregate, { observer: isMasked ? "server" : "everyone", kind: "sum" });
}

function observation(
  look: Look,
  messages: readonly TappedMessage[],
  vectors: Readonly<Record<string, Vector>>,
  seen: Pick<Observation, "observer" | "kind">,
): Observation {
  const { plan, simulation } = look;
  const { order, broadcast } = messages[0]!;
  const parameters = broadcast.vectors["parameters"];
  if (parameters === undefined || parameters.length !== plan.layout.size) throw noUpload(plan.algorithm.name);
  const truths = messages.map((message) => trainedOn(look, message));
  const { batchSize } = simulation.task;
  const localSteps = Math.max(...truths.map(({ steps }) => steps));
  const { learningRate } = order;
  const change = changeOf(plan, parameters, vectors);
  const truth = joined(truths.map(({ data }) => data));
  return {
    ...seen,
    round: order.version,
    clients: messages.map(({ order: { client } }) => client),
    parameters,
    gradient: change.map((value) => -value / (learningRate * localSteps)),
    layout: plan.layout,
    assumptions: { examples: truth.features.shape[0]!, batchSize, localSteps, learningRate },
    truth,
  };
}

/** What a message changes the model by, [d]. Throws `audit/upload`. */
function changeOf(
  { algorithm, payloads, layout }: RunPlan,
  sent: Vector,
  vectors: Readonly<Record<string, Vector>>,
): Vector {
  const [delta, model] = [vectors["delta"], vectors["model"]];
  const fits = (vector: Vector | undefined, name: string): vector is Vector =>
    vector?.length === layout.size && payloads.upload[name]?.layout.hash === layout.hash;
  if (fits(delta, "delta")) return delta;
  if (fits(model, "model")) return model.map((value, i) => value - sent[i]!);
  throw noUpload(algorithm.name);
}

/** The different examples that a client has trained on in a round, in the order of its batches. */
function trainedOn({ simulation, data }: Look, { order }: TappedMessage): { data: ClientData; steps: number } {
  const all = data.load(order.client);
  const { budget, batchSize } = simulation.task;
  const given = order.steps === undefined ? budget : { localSteps: order.steps };
  const { steps, indices, weights } = planBatches(all.features.shape[0]!, batchSize, given, order.keys["batches"]!);
  const rows = [...new Set(indices.filter((_, i) => weights[i]! > 0))];
  return {
    steps,
    data: { features: selectTensorRows(all.features, rows), labels: selectTensorRows(all.labels, rows) },
  };
}

function joined(parts: readonly ClientData[]): ClientData {
  const join = (of: readonly HostTensor[]): HostTensor => {
    const { dtype, shape, data } = of[0]!;
    const all = new (data.constructor as new (length: number) => typeof data)(
      of.reduce((sum, t) => sum + t.data.length, 0),
    );
    let offset = 0;
    for (const part of of) {
      all.set(part.data, offset);
      offset += part.data.length;
    }
    return { dtype, shape: [of.reduce((sum, t) => sum + t.shape[0]!, 0), ...shape.slice(1)], data: all };
  };
  return { features: join(parts.map((part) => part.features)), labels: join(parts.map((part) => part.labels)) };
}

const NOTHING = { loss: 0, score: 0, examples: 1 };
/** The loop is only to train. */
const NO_EVALUATION: Evaluator = { evaluate: async () => NOTHING, evaluateClients: async () => [] };

/** A store that reads a run's newest checkpoint before the round, and keeps for itself what is written. */
async function begun(checkpoints: ObservePorts["checkpoints"], round: number): Promise<BlobStore> {
  const own = memoryBlobStore();
  if (checkpoints === undefined) return own;
  const earlier = {
    get: (name: string) => checkpoints.get(name),
    list: async (prefix: string) => (await checkpoints.list(prefix)).filter((name) => name < checkpointName(round)),
  };
  const found = await newestCheckpoint(earlier);
  const { clientStates } = found?.checkpoint ?? {};
  if (found === undefined || clientStates === undefined) return own;
  // states that lie in files of the run stay there: without them the run is simulated from its start
  if (clientStates.kind === "versions" ? clientStates.versions.length > 0 : clientStates.states.length > 0) return own;
  const inline = { ...found.checkpoint, clientStates: { kind: "inline", states: [] } } as const;
  await own.put(found.name, encodeCheckpoint(inline));
  return own;
}

function noRound(round: number, rounds: number): AnabranchError {
  return new AnabranchError({
    code: "audit/round",
    message: "no client has sent an update in this round",
    received: `round ${round}`,
    expected: `a round of the run, 1 to ${rounds}`,
    advice: "Choose another one with --round.",
  });
}

function noClient(client: number, round: number, messages: readonly TappedMessage[]): AnabranchError {
  const known = messages.map(({ order }) => order.client).sort((a, b) => a - b);
  return new AnabranchError({
    code: "audit/client",
    message: `client ${client} has sent nothing in round ${round}`,
    received: String(client),
    expected: `one of ${known.slice(0, 20).join(", ")}`,
    advice: "Choose another one with --client, or another round with --round.",
  });
}

/** Which examples a client has trained on is known from the keys of its batches alone. */
function chosen(where: string, received: string, expected: string): AnabranchError {
  return new AnabranchError({
    code: "audit/curriculum",
    message: "an audit cannot name the examples of a client that chooses them by their loss",
    where,
    received,
    expected,
  });
}

/** The server also sees activations of every batch, from which far more can be read than from an update. */
function divided(method: string): AnabranchError {
  return new AnabranchError({
    code: "audit/split",
    message: "an audit of updates would understate what a server sees that has a part of the model",
    where: "algorithm.name",
    received: `"${method}"`,
    expected: "a method whose clients have the whole model",
  });
}

/** Attacks know the loss of labelled examples. */
function unlabelled(): AnabranchError {
  return new AnabranchError({
    code: "audit/unlabelled",
    message: "an audit is not made for training on hidden labels",
    where: "data.unlabelled",
    expected: "nothing",
  });
}

/** What was seen is compared with the examples of one task. */
function streamed(): AnabranchError {
  return new AnabranchError({
    code: "audit/task-stream",
    message: "an audit is not made for tasks that come one after the other",
    where: "taskStream.kind",
    expected: '"none"',
  });
}

function noUpload(method: string): AnabranchError {
  return new AnabranchError({
    code: "audit/upload",
    message: "the clients of this method upload no change of the whole model, which attacks start from",
    received: `algorithm.name = "${method}"`,
    expected: 'a method that uploads "delta" or "model", e.g. fedavg',
  });
}
