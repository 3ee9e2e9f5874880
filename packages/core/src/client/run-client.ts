import {
  AnabranchError,
  type Executable,
  type HostTensor,
  type HostTensors,
  type LoopProgram,
  type MaskSpec,
  type Program,
} from "@anabranch/engine";
import type { DirectionsByExample } from "../algorithms/needs.ts";
import { FEEDBACK } from "../compression/index.ts";
import type { SplitTraining } from "../heterogeneity/split-training.ts";
import { CompressionMeter } from "../metrics/compression-meter.ts";
import type { CompressionLoss } from "../metrics/task-meter.ts";
import type { Layout } from "../params/layout.ts";
import type { HeldParameters } from "../params/standing.ts";
import { copy, isFiniteVector, type Vector } from "../params/vector.ts";
import { receivedBroadcast } from "../pipeline/broadcast-compression.ts";
import { type PipelineSpec, sentUpdate } from "../pipeline/client-pipeline.ts";
import { layoutsOfPart } from "../pipeline/settings.ts";
import type { Broadcast, ClientStageContext, Update } from "../protocol/index.ts";
import { deriveKey, permutation, type RandomKey, randomStream } from "../random/index.ts";
import { type BatchSchedule, type LocalBudget, planBatches } from "./batches.ts";
import { type ClientGraph, graphInputs } from "./client-graph.ts";
import { type Curriculum, examplesOf } from "./curriculum.ts";
import { type DrawSpecs, drawInputs } from "./draws.ts";
import { directionInputs } from "./example-directions.ts";
import { PERSONAL } from "./personal-half.ts";
import { projectedVectors, rebuiltVectors, type SeededHalves } from "./seeded-halves.ts";
import { hasOrder, shortcutBatches, splitExamples, trainsShortcut } from "./split-task.ts";
import { stepInputs } from "./step-inputs.ts";
import { flagRepeated, looksIn, REPEATED, seenRows, type UpSampling } from "./up-sampling.ts";
import { parameterInputs, vectorInputs, vectorOutputs } from "./vectors.ts";

/** Everything a client (or worker) needs to run tasks of a run, as plain data. No seed is in it: tasks bring their keys. */
export interface TaskSpec extends PipelineSpec, SeededHalves {
  readonly program: Program | LoopProgram;
  readonly batchSize: number;
  readonly budget: LocalBudget;
  /** Which examples a round trains on, where that is not all of them. */
  readonly curriculum?: Curriculum;
  /** Which examples are seen twice, where some are. */
  readonly upSampling?: UpSampling;
  /** How clients train with a server that has the middle of the model, where they do. */
  readonly splitTraining?: SplitTraining;
  /** Of personal parameters, where they train by themselves first; absent: they do not. */
  readonly personalBudget?: LocalBudget;
  readonly masks: readonly MaskSpec[];
  readonly draws: DrawSpecs;
  /** Numbers for each of the client's examples; absent: none. */
  readonly directions?: DirectionsByExample;
  readonly broadcast: Readonly<Record<string, Layout>>;
  /** Those of them of which every client is given its own. Default: none. */
  readonly own?: Readonly<Record<string, Layout>>;
  /** Parameters that do not travel: what personal ones begin with, and frozen ones. */
  readonly held?: HeldParameters;
  /** Features of public examples, [m, ...], which every client has. Default: none. */
  readonly publicFeatures?: HostTensor | undefined;
  /** Personal parameters that a client draws for itself at its first visit. Default: none. */
  readonly drawn?: readonly string[] | undefined;
  /** Whether outcomes tell what compression has lost; no message does. */
  readonly measuresCompression?: boolean;
  /** What the program keeps, and what stages keep. */
  readonly clientState: Readonly<Record<string, Layout>>;
  /** Where clients train models of their own sizes: the task of each part, in place of this one. */
  readonly tiers?: readonly TaskSpec[] | undefined;
}

export interface ClientData {
  /** Of models of nodes: their numbers in the graph. */
  readonly features: HostTensor;
  readonly labels: HostTensor;
  readonly graph?: ClientGraph | undefined;
}

export interface ClientTask {
  readonly client: number;
  readonly learningRate: number;
  /** Local steps, where they are not those of the task's budget. */
  readonly steps?: number | undefined;
  /** The part of the vectors that this client sends; undefined: all of them. */
  readonly part?: number | undefined;
  /** By purpose, see `Order.keys`. */
  readonly keys: Readonly<Record<string, RandomKey>>;
  readonly broadcast: Broadcast;
  /** Vectors that this client is given in place of those of the broadcast. */
  readonly own?: Readonly<Record<string, Vector>> | undefined;
  /** Client state of earlier rounds; absent at the first visit. */
  readonly state: Readonly<Record<string, Vector>> | undefined;
  readonly data: ClientData;
  /** Memory for a vector of the outcome; default: fresh. A backend gives memory that others can read, which saves a copy. */
  allocate?(kind: "update" | "state", name: string, length: number): Vector | undefined;
}

export interface ClientOutcome {
  readonly update: Update;
  readonly state: Readonly<Record<string, Vector>>;
  /** L2 norm of what was trained, before any stage; it is in no message. */
  readonly norm: number;
  /** What compression has lost, where the spec asks for it and something was compressed; it is in no message. */
  readonly compression?: CompressionLoss | undefined;
}

/**
 * One client's part of a round: local training, then the client halves of the pipeline. Randomness depends on the keys of
 * the task alone. Throws `client/no-data` and `client/not-finite`.
 *
 * @example
 * ```ts
 * import { openDataSource, rootKey, runClient, TASK_KEYS, taskKeys } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * import { interpreter, loadProgram } from "@anabranch/engine";
 * const { plan, simulation } = smallRun({ name: "fedavg" }).prepared;
 * const executable = await loadProgram(interpreter(), simulation.task.program);
 * const broadcast = { round: 1, vectors: { parameters: plan.initial }, scalars: {} };
 * const keys = taskKeys(rootKey(1), TASK_KEYS, 1)(0, 0);
 * const data = openDataSource(simulation.train).load(0);
 * const task = { client: 0, learningRate: 0.1, keys, broadcast, data, state: undefined };
 * (await runClient(simulation.task, executable, task)).update.public.examples; // => 12
 * ```
 */
export async function runClient(spec: TaskSpec, executable: Executable, task: ClientTask): Promise<ClientOutcome> {
  const { round } = task.broadcast;
  const where = `round ${round}, client ${task.client}`;
  const examples = requireData(task, where);
  const { keys } = task;
  const make = (n: number): Vector => (spec.float === "float64" ? new Float64Array(n) : new Float32Array(n));
  const budget = task.steps === undefined ? spec.budget : { localSteps: task.steps };
  const state = task.state ?? drawnState(spec, firstState(spec, make), keys["draws"]!);
  const batches = batchesOf(spec, task, state, budget);
  const k = batches.steps;
  const received = receivedBroadcast(spec.stages.down, spec.broadcast, task.broadcast, task.state, make);
  const outputs = await executable.run(taskInputs(spec, task, { state, vectors: received.vectors }, batches, make));
  const collect = (kind: "update" | "state", layouts: Readonly<Record<string, Layout>>) =>
    vectorOutputs(outputs, kind, layouts, (name, length) => task.allocate?.(kind, name, length) ?? make(length));
  const norm = outputs["norm"]!.data[0]!;
  const loss = sumOf(outputs["losses"]!.data) / k;
  const diverged = !Number.isFinite(norm) || !Number.isFinite(loss) || !hasFinitePersonal(spec, outputs);
  if (diverged && !sendsNoise(spec)) {
    throw new AnabranchError({
      code: "client/not-finite",
      message: "local training diverged: the update is not finite",
      where,
      received: `loss ${loss}, update norm ${norm}`,
      expected: "finite numbers",
      advice: "Lower training.learningRate, or set training.gradientClip.",
    });
  }
  const vectors =
    projectedVectors(spec, outputs, { round, client: task.client, key: keys["draws"]! }, (name, length) => {
      return task.allocate?.("update", name, length) ?? make(length);
    }) ?? collect("update", layoutsOfPart(spec, task.part));
  if (diverged) for (const vector of Object.values(vectors)) vector.fill(0);
  const update: Update = {
    round,
    client: task.client,
    layoutHash: spec.layoutHash,
    vectors,
    public: { examples, steps: k, weight: 1, loss, ...(task.part === undefined ? {} : { part: task.part }) },
  };
  const layouts = layoutsOfPart(spec, task.part);
  const kept: Record<string, Vector> = {};
  const keep = (name: string, vector: Vector) => {
    kept[name] = task.allocate?.("state", name, vector.length) ?? vector;
    if (kept[name] !== vector) kept[name].set(vector);
  };
  for (const [name, vector] of Object.entries(received.kept)) keep(name, vector);
  if (spec.upSampling !== undefined) keep(REPEATED, repeatedNow(spec.upSampling, task, state, outputs));
  const { scalars } = task.broadcast;
  const meter = spec.measuresCompression === true ? new CompressionMeter() : undefined;
  const sent = sentUpdate(spec, update, { scalars, layouts, keys, state, keep, ...(meter && listening(meter)) });
  const next = collect("state", programState(spec));
  if (diverged) next[PERSONAL]?.set(state[PERSONAL]!);
  return { update: sent, state: { ...next, ...kept }, norm, compression: meter?.loss };
}

/** What the client's pipeline reports to a meter. */
function listening(meter: CompressionMeter): Pick<ClientStageContext, "compressed"> {
  return { compressed: (vector, arrived, bytes) => meter.add(vector, arrived, bytes) };
}

/** The mini-batches of a client, of the examples that it sees in this round. */
function batchesOf(
  { curriculum, upSampling, splitTraining, batchSize }: TaskSpec,
  { data, keys, broadcast: { round } }: ClientTask,
  state: Readonly<Record<string, Vector>>,
  budget: LocalBudget,
): BatchSchedule {
  const examples = data.features.shape[0]!;
  if (upSampling === undefined)
    return planBatches(
      splitExamples(splitTraining, examplesOf(curriculum, round, examples)),
      batchSize,
      budget,
      keys["batches"]!,
    );
  const rows = seenRows(examples, state[REPEATED]!);
  const batches = planBatches(rows.length, batchSize, budget, keys["batches"]!);
  return { ...batches, indices: batches.indices.map((place) => rows[place]!) };
}

/** Which examples a client repeats from now on. */
function repeatedNow(
  upSampling: UpSampling,
  { data, broadcast: { round } }: ClientTask,
  state: Readonly<Record<string, Vector>>,
  outputs: HostTensors,
): Vector {
  const flags = copy(state[REPEATED]!);
  if (looksIn(upSampling, round)) flagRepeated(flags, outputs["probabilities"]!, data.labels, upSampling.minimumClass);
  return flags;
}

/** What the program is given, by the names that `compileLocalTask` lists. */
function taskInputs(
  spec: TaskSpec,
  task: ClientTask,
  { state, vectors }: Readonly<Record<"state" | "vectors", Readonly<Record<string, Vector>>>>,
  batches: BatchSchedule,
  make: (n: number) => Vector,
): HostTensors {
  const { broadcast, client, keys } = task;
  return {
    ...vectorInputs(
      "broadcast",
      { ...vectors, ...rebuiltVectors(spec, broadcast), ...ownVectors(spec, task, make) },
      spec.broadcast,
    ),
    ...vectorInputs("state", state, programState(spec)),
    ...(spec.held === undefined ? {} : parameterInputs("frozen", spec.held.frozen, spec.held.split.frozen)),
    "data/features": task.data.features,
    "data/labels": task.data.labels,
    ...graphInputs(task.data.graph),
    ...stepInputs("steps", spec, batches, task, make),
    ...(spec.publicFeatures && { public: spec.publicFeatures }),
    ...placesInput(spec, task, make),
    ...(spec.upSampling && { looks: scalar(make, looksIn(spec.upSampling, broadcast.round) ? 1 : 0) }),
    ...directionInputs(spec, task, make),
    ...personalInputs(spec, task, make),
    ...shortcutInputs(spec, task, make),
    ...sentInputs(spec, task.part, make),
    ...drawInputs(spec, batches.steps, keys["draws"]!, { round: broadcast.round, client, vectors }),
  };
}

/** What a client is given alone; zeros for what it is not given. */
function ownVectors({ own = {} }: TaskSpec, task: ClientTask, make: (n: number) => Vector) {
  return Object.fromEntries(Object.entries(own).map(([name, { size }]) => [name, task.own?.[name] ?? make(size)]));
}

/** The places of a client's examples where these have an order, shuffled where that is random. */
function placesInput(spec: TaskSpec, task: ClientTask, make: (n: number) => Vector): HostTensors {
  if (!hasOrder(spec)) return {};
  const n = task.data.features.shape[0]!;
  const places = make(n).map((_, place) => place) as Vector;
  if (spec.curriculum?.order === "random" || spec.splitTraining?.keep === "random")
    places.set(permutation(randomStream(deriveKey(task.keys["batches"]!, "order")), n));
  return { places: { dtype: "float", shape: [n], data: places } };
}

/** Mini-batches of personal parameters, other ones than those of the local steps. */
function personalInputs(spec: TaskSpec, task: ClientTask, make: (n: number) => Vector): HostTensors {
  if (spec.personalBudget === undefined) return {};
  const own = (name: string) => deriveKey(task.keys[name]!, PERSONAL);
  const keys = { batches: own("batches"), dropout: own("dropout") };
  const examples = task.data.features.shape[0]!;
  const batches = planBatches(examples, spec.batchSize, spec.personalBudget, keys.batches);
  return stepInputs("personalSteps", spec, batches, { learningRate: task.learningRate, keys }, make);
}

/** Mini-batches of the steps through a client's own parts of the model, where it takes such. */
function shortcutInputs(spec: TaskSpec, task: ClientTask, make: (n: number) => Vector): HostTensors {
  const { splitTraining, batchSize } = spec;
  if (!trainsShortcut(splitTraining)) return {};
  const examples = task.data.features.shape[0]!;
  const { batches, keys } = shortcutBatches(splitTraining, { examples, batchSize, keys: task.keys });
  return stepInputs("shortcutSteps", spec, batches, { learningRate: task.learningRate, keys }, make);
}

/** The norm of an update tells nothing of personal parameters. */
function hasFinitePersonal({ held }: TaskSpec, outputs: HostTensors): boolean {
  const entries = held?.split.personal.entries ?? [];
  return entries.every(({ name }) => isFiniteVector(outputs[`state/${PERSONAL}/${name}`]!.data as Vector));
}

function requireData({ data }: ClientTask, where: string): number {
  const examples = data.features.shape[0]!;
  if (examples > 0) return examples;
  throw new AnabranchError({ code: "client/no-data", message: "this client has no training data", where });
}

const programStates = new WeakMap<TaskSpec, Readonly<Record<string, Layout>>>();

/** The client state that the program reads and writes. */
function programState(spec: TaskSpec): Readonly<Record<string, Layout>> {
  const known = programStates.get(spec);
  if (known !== undefined) return known;
  const entries = Object.entries(spec.clientState).filter(([name]) => !name.startsWith(FEEDBACK) && name !== REPEATED);
  const own = Object.fromEntries(entries);
  programStates.set(spec, own);
  return own;
}

/**
 * Whether the client adds its share of the noise of a sum. That its training diverged would show if it failed, and epsilon
 * does not cover that: it then sends zeros with its noise.
 */
function sendsNoise({ stages }: TaskSpec): boolean {
  return stages.secureAggregation?.encoding.kind === "noised";
}

/** `Local.sent` of a client with this part. */
function sentInputs(
  spec: TaskSpec,
  part: number | undefined,
  make: (n: number) => Vector,
): Readonly<Record<string, HostTensor>> {
  if (spec.parts === undefined) return {};
  const inputs: Record<string, HostTensor> = {};
  const sent = layoutsOfPart(spec, part);
  for (const [vector, { entries }] of Object.entries(spec.upload)) {
    const names = new Set(sent[vector]!.entries.map(({ name }) => name));
    for (const { name } of entries) inputs[`sent/${vector}/${name}`] = scalar(make, names.has(name) ? 1 : 0);
  }
  return inputs;
}

const firstStates = new WeakMap<TaskSpec, Readonly<Record<string, Vector>>>();

/**
 * The state of a client at its first visit: zeros, and the personal parameters of the initial model. Made once, as programs
 * leave their inputs untouched.
 */
function firstState(spec: TaskSpec, make: (length: number) => Vector): Readonly<Record<string, Vector>> {
  const known = firstStates.get(spec);
  if (known !== undefined) return known;
  const zeros = Object.entries(spec.clientState).map(([name, { size }]): [string, Vector] => [name, make(size)]);
  const state = Object.fromEntries(zeros);
  if (spec.held !== undefined) state[PERSONAL]?.set(spec.held.personal);
  firstStates.set(spec, state);
  return state;
}

/** A first state with what a client draws for itself, from its own keys. */
function drawnState({ drawn = [], held }: TaskSpec, first: ReturnType<typeof firstState>, key: RandomKey) {
  if (drawn.length === 0) return first;
  const personal = copy(first[PERSONAL]!);
  for (const entry of held!.split.personal.entries) {
    if (!drawn.includes(entry.name)) continue;
    const stream = randomStream(deriveKey(key, PERSONAL, entry.name));
    for (let i = 0; i < entry.size; i++) personal[entry.offset + i] = stream.normal();
  }
  return { ...first, [PERSONAL]: personal };
}

function sumOf(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}

function scalar(make: (n: number) => Vector, value: number): HostTensor {
  return { dtype: "float", shape: [], data: make(1).fill(value) };
}
