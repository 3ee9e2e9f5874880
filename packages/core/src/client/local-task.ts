import {
  add,
  cast,
  compileLoop,
  cond,
  constant,
  globalNorm,
  greater,
  type Loop,
  type LoopInputs,
  type LoopProgram,
  mul,
  type Program,
  sum,
  type Tensor,
  type TensorTree,
  withPrefix,
} from "@anabranch/engine";
import type {
  Algorithm,
  BatchOutputs,
  ClientHalf,
  Local,
  LocalEnd,
  LocalSettings,
  LocalStep,
  ParameterTensors,
  Payloads,
  TracedVectors,
} from "../algorithms/algorithm.ts";
import { labelCounts } from "../heterogeneity/index.ts";
import type { SplitTraining } from "../heterogeneity/split-training.ts";
import type { Model } from "../models/model.ts";
import { shortcutModel } from "../models/model-cut.ts";
import { onGraph } from "../models/on-graph.ts";
import { type Layout, layout } from "../params/layout.ts";
import type { ParameterSplit } from "../params/standing.ts";
import { weightsOf } from "../params/statistics.ts";
import { CENTROIDS } from "./centroid-statistic.ts";
import { type Curriculum, exampleRanks, inOrder } from "./curriculum.ts";
import { drawnShare, drawTypes, stepDraws } from "./draws.ts";
import { directionsTypes } from "./example-directions.ts";
import { layerInputs } from "./layer-inputs.ts";
import type { LossAdjustment } from "./loss-adjustment.ts";
import { afterMeasuring, type OpenWorldLoss, type OpenWorldStart, openWorldStart } from "./open-world-loss.ts";
import { namesThatTrainFirst, PERSONAL, withPersonal } from "./personal-half.ts";
import { featuresOnNoise, outputsOnNoise } from "./random-inputs.ts";
import { representationsOf, type TaskData } from "./representations.ts";
import { type Measurement, measured, type RoundStatistic } from "./round-statistic.ts";
import { sgdSteps } from "./sgd-steps.ts";
import { withFrozen, withReceived, withValues } from "./some-values.ts";
import { choosesExamples, hasOrder, keptFirst, trainsShortcut } from "./split-task.ts";
import { STATISTICS } from "./statistics-half.ts";
import { allExamples, type CountGradients, type StepInputs, stepGradients } from "./step-gradients.ts";
import { sumOfStepSizes } from "./step-sizes.ts";
import { batchTypes, dataTypes, taskTypes } from "./task-types.ts";
import { probabilities, type UpSampling } from "./up-sampling.ts";

/** What the traced task needs to know of the run. */
export interface TaskSettings extends LocalSettings {
  /** Rows of a mini-batch; short batches are padded with weight zero. */
  readonly batchSize: number;
  /** Global-norm bound of the mini-batch gradient; 0: off. */
  readonly gradientClip: number;
  /** How many public examples there are, where the method uses such. */
  readonly publicExamples?: number | undefined;
  /** Absent: the model's own loss. */
  readonly loss?: LossAdjustment | undefined;
  /** The loss where labels are hidden. */
  readonly openWorld?: OpenWorldLoss | undefined;
  /** Absent: all examples are trained on, in random order. */
  readonly curriculum?: Curriculum | undefined;
  /** Absent: examples are seen once in an epoch. */
  readonly upSampling?: UpSampling | undefined;
  /** What clients measure beside what the method does. Default: nothing. */
  readonly statistics?: readonly (Measurement | RoundStatistic)[] | undefined;
}

interface TaskInputs {
  readonly broadcast: Record<string, ParameterTensors>;
  readonly state: Record<string, ParameterTensors>;
  readonly sent?: Record<string, ParameterTensors>;
  /** Parameters that no client trains. */
  readonly frozen?: ParameterTensors;
  readonly data: TaskData;
  /** Features of the public examples, [m, ...]. */
  readonly public?: Tensor;
  /** With a leading axis K. */
  readonly steps: StepInputs;
  /** [n, columns] by name, where the method draws directions for each example. */
  readonly directions?: ParameterTensors;
  /** 0, 1, ..., n - 1, where examples have an order; in any order, where that is random. */
  readonly places?: Tensor;
  /** 1 where the client looks for examples to repeat, else 0. */
  readonly looks?: Tensor;
  /** With a leading axis H: steps before those, of personal parameters alone. */
  readonly personalSteps?: TensorTree;
  /** With a leading axis H: steps before those, through the client's own parts of a model that is split. */
  readonly shortcutSteps?: TensorTree;
}

/** The local task of a method on a model. */
export interface LocalTask {
  /** One graph, or segments where the method asks for host kernels between steps. */
  readonly program: Program | LoopProgram;
  /**
   * Gradients of a mini-batch that one local step asks for: 1 for FedAvg, 2 for methods that look around. A Hessian product
   * counts as two; estimates of the curvature count by the share of steps for which the method draws numbers.
   */
  readonly gradientsPerStep: number;
}

/**
 * Traces and compiles the whole local task of a client: K local steps as one scan over the client's own data, or as
 * several with host kernels in between.
 *
 * Inputs: broadcast/NAME/ENTRY and state/NAME/ENTRY (the method's vectors, entry by entry); data/features [n, ...],
 * data/labels [n, ...]; steps/indices [K, B] rows of the data, steps/weights [K, B] (sum 1 a step, 0 for padding),
 * steps/learningRate [K], steps/masks/NAME [K, B, bytes] packed dropout bits, steps/draws/... (see `drawTypes`); where the
 * payloads have parts, sent/NAME/ENTRY [], 1 for an entry that the client sends and 0 for others; frozen/ENTRY, the frozen
 * parameters, and among the state the personal ones, where `split` has such; personalSteps/... as steps/... [H, ...], where
 * these train first. Where the method splits the model and trains first without the body, shortcutSteps/... as steps/... [H, ...].
 * Of models of nodes, data/features [n] are numbers of nodes, and data/graph/NAME is the client's graph (see `ClientGraph`).
 * Where the client half draws `directions` by example, directions/NAME [n, columns].
 * With public examples also public [m, ...], their features.
 * With a curriculum, and where split training leaves examples out, also places [n] (0, 1, ..., n - 1), and steps/indices are
 * then places in the order of the examples.
 * With up-sampling also looks [], and the output probabilities [n, C] of the model as received: zeros unless looks is 1.
 * Outputs: update/NAME/ENTRY, state/NAME/ENTRY, losses [K] and norm [] (L2 norm of the whole update: its size, and the
 * check that it is finite).
 *
 * @example
 * ```ts
 * import { compileLocalTask, fedavg, layout, logistic } from "@anabranch/core";
 * const model = logistic({ input: [2], inputType: "float", classes: 2 });
 * const payloads = fedavg().payloads(layout(model.parameters), { localSteps: 3 });
 * const settings = { batchSize: 4, gradientClip: 0, momentum: 0, nesterov: false, weightDecay: 0 };
 * compileLocalTask(fedavg(), model, payloads, settings).gradientsPerStep; // => 1
 * ```
 */
export function compileLocalTask(
  algorithm: Algorithm,
  model: Model,
  payloads: Payloads,
  settings: TaskSettings,
  split: ParameterSplit = wholeModel(model),
): LocalTask {
  const draws = algorithm.client.draws ?? {};
  const weights = weightsOf(split.shared);
  const first = namesThatTrainFirst(algorithm.personal, split);
  const { splitTraining: divided } = algorithm;
  const shortcut = divided && shortcutModel(model, divided);
  const types = {
    ...taskTypes(
      model,
      payloads,
      drawTypes(draws, model, weights, settings.batchSize),
      settings.batchSize,
      split,
      trainsFirst(algorithm, split),
    ),
    ...(settings.publicExamples && { public: dataTypes(model, settings.publicExamples).features }),
    ...(hasOrder({ ...settings, splitTraining: divided }) && { places: { dtype: "float", shape: ["n"] } as const }),
    ...(trainsShortcut(divided) && { shortcutSteps: batchTypes(model, settings.batchSize, "H") }),
    ...(settings.upSampling && { looks: { dtype: "float", shape: [] } as const }),
    ...directionsTypes(algorithm.client.directions?.(split.shared)),
  };
  const count = { gradients: 0 };
  const { clip } = algorithm.personal ?? {};
  const client =
    split.personal.size === 0 ? algorithm.client : withPersonal(algorithm.client, split.personal, { first, clip });
  const plain = localLoop(client, model, payloads, settings, count, { split, first, shortcut });
  const { curriculum, openWorld } = settings;
  const informed =
    openWorld === undefined
      ? plain
      : afterMeasuring(plain, (inputs) => measuredFirst(inputs as unknown as TaskInputs, model, openWorld));
  const order = curriculum
    ? exampleOrder(model, curriculum)
    : choosesExamples(divided) && keptOrder(shortcut!, divided);
  const loop = order ? inOrder(informed, order) : informed;
  const kernels = client.refresh?.(weights, settings);
  const isWrapped = loop !== plain;
  const refresh = isWrapped ? withPrefix("loop", kernels) : kernels;
  const program = compileLoop(`${algorithm.name}-${model.name}`, loop, types, "steps", refresh);
  return { program, gradientsPerStep: count.gradients };
}

/** Whether personal parameters train by themselves before the local steps. */
export function trainsFirst({ personal }: Algorithm, split: ParameterSplit): boolean {
  const { train = "together" } = personal ?? {};
  const works = train !== "together" && !("localSteps" in train && train.localSteps === 0);
  return works && namesThatTrainFirst(personal, split).size > 0;
}

/** The order of a client's examples by their score under the model that it receives, with its own parameters. */
function exampleOrder(model: Model, curriculum: Curriculum): (inputs: LoopInputs) => Tensor {
  return (inputs) => {
    const { places, data } = inputs as unknown as TaskInputs;
    const [own, parameters] = received(inputs as unknown as TaskInputs, model);
    const outputs = own.forward(parameters, data.features);
    return exampleRanks(curriculum, model, { outputs, labels: data.labels, places: places! });
  };
}

/** The order of a client's examples by their score under the parts of the received model that it has. */
function keptOrder(shortcut: Model, split: SplitTraining): (inputs: LoopInputs) => Tensor {
  return (inputs) => {
    const given = inputs as unknown as TaskInputs;
    const { places, data } = given;
    const [own, parameters] = received(given, shortcut);
    const outputs = () => own.forward(parameters, data.features);
    return keptFirst(split, { outputs, labels: data.labels, places: places! });
  };
}

/** What the loss for hidden labels takes along. */
function measuredFirst(inputs: TaskInputs, model: Model, openWorld: OpenWorldLoss): OpenWorldStart {
  const start = openWorldStart(...received(inputs, model), inputs.data, openWorld);
  const given = inputs.broadcast[CENTROIDS];
  return given === undefined ? start : { ...start, centroids: given as NonNullable<OpenWorldStart["centroids"]> };
}

/** The model that a client receives, and its parameters with the client's own. */
function received(inputs: TaskInputs, model: Model): readonly [Model, ParameterTensors] {
  const { broadcast, state = {} } = inputs;
  return [modelAt(model, inputs), { ...broadcast["parameters"], ...broadcast[STATISTICS], ...state[PERSONAL] }];
}

/** All parameters are shared. */
function wholeModel({ parameters }: Model): ParameterSplit {
  const [whole, none] = [layout(parameters), layout([])];
  return { whole, shared: whole, personal: none, frozen: none };
}

/** The model of the parameters that a client trains, on the client's graph where it has one. */
function modelAt(model: Model, { frozen, data }: Pick<TaskInputs, "frozen" | "data">): Model {
  return withFrozen(onGraph(model, data.graph), frozen);
}

/** What of a model trains, and when. */
interface LoopParts {
  readonly split: ParameterSplit;
  /** Personal parameters that train before the local steps. */
  readonly first: ReadonlySet<string>;
  /** The parts that a client has of a model that is split. */
  readonly shortcut: Model | undefined;
}

/** The local task as a loop; `count.gradients` is set to what the traced step asks for. */
function localLoop(
  client: ClientHalf,
  model: Model,
  payloads: Payloads,
  settings: TaskSettings,
  count: { gradients: number },
  { split, first, shortcut }: LoopParts,
): Loop {
  const { draws = {} } = client;
  const modelLayout = weightsOf(split.shared);
  const localOf = (inputs: unknown): Local => {
    const given = inputs as TaskInputs;
    const { broadcast, state = {}, sent = everything(payloads), public: features } = given;
    const publicOutputs = (parameters: ParameterTensors) => modelAt(model, given).forward(parameters, features!);
    return { model: modelLayout, broadcast, state, sent, publicOutputs };
  };
  const addWork: CountGradients = (kind, gradients) => {
    count.gradients += kind === "curvature" ? gradients * drawnShare(draws) : gradients;
  };
  return {
    begin(inputs) {
      const local = localOf(inputs);
      const given = inputs as unknown as TaskInputs;
      const broadcast = { ...local.broadcast, ...shortcutFirst(given, shortcut, settings) };
      const trained = trainedFirst(given, model, settings, first);
      return client.begin({ ...local, broadcast, state: { ...local.state, ...trained } }, settings);
    },
    step(carry, slice, inputs) {
      const step = slice as unknown as StepInputs;
      const given = inputs as unknown as TaskInputs;
      count.gradients = 0;
      const own = modelAt(withReceived(model, given.broadcast), given);
      const known = localOf(inputs);
      const penalty = client.penalty && ((batch: BatchOutputs) => client.penalty!(batch, known));
      const local: LocalStep = {
        ...known,
        ...stepGradients(own, given.data, step, { ...settings, given: known.broadcast, penalty }, addWork),
        learningRate: step.learningRate,
        draws: stepDraws(draws, step.draws, modelLayout),
      };
      const next = client.step(carry, local, settings);
      return { carry: next.carry, output: { loss: next.loss } };
    },
    end(carry, outputs, inputs) {
      const end = client.end(carry, {
        ...localOf(inputs),
        ...seenAtEnd(inputs as unknown as TaskInputs, model, settings),
      });
      const update = { ...end.update, ...statisticsOf(inputs as unknown as TaskInputs, model, settings) } as TensorTree;
      return {
        update,
        state: end.state as TensorTree,
        losses: (outputs as { loss: Tensor }).loss,
        norm: globalNorm(weightVectors(update, payloads)),
        ...(settings.upSampling && { probabilities: early(inputs as unknown as TaskInputs, model) }),
      };
    },
  };
}

/** Personal parameters after the steps of their own, where they train first. */
function trainedFirst(
  { broadcast, state = {}, personalSteps: steps, data, frozen }: TaskInputs,
  model: Model,
  settings: TaskSettings,
  first: ReadonlySet<string>,
): TracedVectors {
  if (steps === undefined) return {};
  const { [PERSONAL]: kept } = state;
  const fixed = withFrozen(
    withValues(onGraph(model, data.graph), { ...kept, ...broadcast["parameters"], ...broadcast[STATISTICS] }),
    frozen,
  );
  const start = Object.fromEntries([...first].map((name) => [name, kept![name]!]));
  const trained = sgdSteps(start, steps, settings, (own, step) => {
    return stepGradients(fixed, data, step, settings, () => {}).gradient(own).gradients;
  });
  return { [PERSONAL]: { ...kept, ...trained } };
}

/** The parameters after steps through the parts of the model that a client has, where it takes such: local steps go on from these. */
function shortcutFirst(inputs: TaskInputs, shortcut: Model | undefined, settings: TaskSettings): TracedVectors {
  const { shortcutSteps: steps, broadcast, data } = inputs;
  if (steps === undefined) return {};
  const own = modelAt(shortcut!, inputs);
  const parameters = sgdSteps(broadcast["parameters"]!, steps, settings, (at, step) => {
    return stepGradients(own, data, step, settings, () => {}).gradient(at).gradients;
  });
  return { parameters };
}

/** Probabilities of all examples under the model that a client receives, where it looks for some to repeat. */
function early(inputs: TaskInputs, model: Model): Tensor {
  const { broadcast, data, looks } = inputs;
  const received = { ...broadcast["parameters"], ...broadcast[STATISTICS] };
  const outputs = () => modelAt(model, inputs).forward(received, data.features);
  const { found, none } = probabilities(model, outputs, cast(data.labels, "int32"));
  return cond(greater(looks!, 0.5), found, none);
}

/** The statistics of a client's examples under the model that it receives. */
function statisticsOf(inputs: TaskInputs, model: Model, settings: TaskSettings): TracedVectors {
  const [own, parameters] = received(inputs, model);
  const all = () => allExamples(own, inputs.data, parameters, settings);
  return measured(settings.statistics ?? [], inputs.sent, all);
}

/** The norm of an update is that of its weights. */
function weightVectors(update: TensorTree, { upload }: Payloads): TensorTree {
  return Object.fromEntries(Object.entries(update).filter(([name]) => upload[name]?.statistics !== true));
}

/** What a client can ask of its steps and its examples after the last step. */
function seenAtEnd(inputs: TaskInputs, model: Model, settings: LocalSettings): Omit<LocalEnd, keyof Local> {
  const { steps, data, broadcast, state = {}, frozen, directions = {} } = inputs;
  const { learningRate } = steps;
  const own = modelAt(model, inputs);
  return {
    steps: sum(add(mul(learningRate, 0), 1)), // K is symbolic: count the steps in the graph
    learningRateSum: sumOfStepSizes(learningRate, settings),
    classCounts: () => labelCounts(data.labels, model.classes),
    // not on the client's own graph
    randomOutputs: (...given) => outputsOnNoise(withFrozen(model, frozen), ...given),
    randomFeatures: (...given) => featuresOnNoise(withFrozen(model, frozen), ...given),
    layerInputs: (parameters) =>
      layerInputs(own, { ...broadcast[STATISTICS], ...state[PERSONAL], ...parameters }, data.features),
    directions,
    representations: (parameters) => representationsOf(own, parameters, data),
  };
}

/** Where clients send all: 1 for every entry. */
function everything({ upload }: Payloads): TracedVectors {
  const ones = ({ entries }: Layout) => Object.fromEntries(entries.map(({ name }) => [name, constant(1)]));
  return Object.fromEntries(Object.entries(upload).map(([name, { layout }]) => [name, ones(layout)]));
}
