import type { HostKernelSchedule, Tensor, TensorTree } from "@anabranch/engine";
import type { ClassScores } from "../aggregation/bristle.ts";
import type { RuleReport } from "../aggregation/rule-report.ts";
import type { CodecSpec } from "../codecs/index.ts";
import type { CompressionLink } from "../compression/index.ts";
import type { NodeRule } from "../gossip/index.ts";
import type { ModelMap, TaskStream } from "../heterogeneity/index.ts";
import type { Layout } from "../params/layout.ts";
import type { Selectors } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import type { Widths } from "../params/widths.ts";
import type { RandomKey } from "../random/index.ts";
import type { Projection, Replay } from "../seeded/index.ts";
import type {
  BatchOutputs,
  CarriedBytes,
  DefaultCompression,
  DirectionsByExample,
  DrawSpec,
  NodeSampling,
  PayloadSettings,
  PersonalParameters,
  Question,
  Representations,
  SplitNeeds,
} from "./needs.ts";
import type { PublicTraining } from "./public-training.ts";

export type { BatchOutputs, CarriedBytes, DrawSpec, Judge, NumberDraw, PayloadSettings, Question } from "./needs.ts";

/** Schedules whose clients train without waiting for each other. */
export type AsynchronousSchedule = "buffered" | "ticks" | "arrival-groups";

/**
 * How uploads of one entry become one vector. "weightedMean" uses each update's public weight. "each" keeps them side by
 * side, [updates, size], in the order of `RoundContext.clients`.
 */
export type Aggregation = "weightedMean" | "uniformMean" | "sum" | "each";

/** What a client sends where it does not send all: for each uploaded vector the layout of the entries that it sends. */
export type Part = Readonly<Record<string, Layout>>;

/** One vector that clients send. */
export interface Upload {
  readonly layout: Layout;
  readonly aggregation: Aggregation;
  /** True: how far the clients' vectors part is logged every round; needs "uniformMean" and no parts. */
  readonly drift?: boolean;
  /** True: statistics of a client's classes and no change of the model, so nothing scales, compresses or replaces them. */
  readonly classStatistics?: boolean;
  /** True: values are places in an order of each tensor's entries, from 0 to their number; an update with others is refused. */
  readonly places?: boolean;
  /** True: running statistics and no weights, so nothing clips, compresses or noises them. */
  readonly statistics?: boolean;
  /** Encodes the vector on its way up; the server decodes each update before it aggregates. Default: sent as it is. */
  readonly codec?: CodecSpec;
}

/** What a method sends down, sends up and keeps on clients: named vectors, each with its layout. */
export interface Payloads {
  readonly broadcast: Readonly<Record<string, Layout>>;
  readonly upload: Readonly<Record<string, Upload>>;
  /** Vectors of `broadcast` of which every client is given its own, see `Algorithm.own`. Default: none. */
  readonly own?: readonly string[];
  /** Persistent client state; zeros at a client's first visit. */
  readonly clientState: Readonly<Record<string, Layout>>;
  /**
   * Methods whose clients send only some entries of `upload`: each client of a round is given one of these parts. An entry is
   * averaged over the clients that sent it, with their own weight sum; one that nobody sent aggregates to 0. Parts may
   * share entries. Absent: everyone sends everything.
   */
  readonly parts?: readonly Part[];
  /**
   * Present where parts hold single coordinates and not whole entries: where the values of a part lie in each uploaded
   * vector, or in the one of this name, in a round (1-based). A coordinate is averaged over the clients that sent it.
   */
  places?(part: number, round: number, vector?: string): Int32Array;
  /**
   * How clients rebuild the model, which does not travel: `broadcast` has it under "parameters", and what travels in its
   * place is what `Algorithm.broadcast` and `Algorithm.encoded` give. Default: the model travels.
   */
  readonly replay?: Replay;
  /** Coordinates that clients send in place of what they trained. Default: they send what they trained. */
  readonly projection?: Projection;
}

/** Server state is explicit and serialisable: a resumed run continues bit for bit. `parameters` is the global model. */
export interface ServerState {
  readonly vectors: Readonly<Record<string, Vector>> & { readonly parameters: Vector };
  readonly scalars: Readonly<Record<string, number>>;
}

/** What a broadcast carries: vectors, and what travels as bytes. */
export interface Carried {
  readonly vectors: Readonly<Record<string, Vector>>;
  readonly encoded?: Readonly<Record<string, Uint8Array>>;
}

/** What the server half knows of a finished round. */
export interface RoundContext {
  /** 1-based. */
  readonly round: number;
  /** Clients whose updates were aggregated. */
  readonly cohortSize: number;
  readonly population: number;
  /** Local learning rate of this round. */
  readonly learningRate: number;
  /** Mean number of local steps. */
  readonly localSteps: number;
  /** K: the same with the weights of the updates, so that a weighted mean of updates over K eta is a mean of gradients. */
  readonly weightedSteps: number;
  /** Weighted mean of the factors that an asynchronous schedule put on the updates; absent: 1. */
  readonly meanFactor?: number;
  /** Whose updates lie side by side in uploads that are aggregated as "each"; absent where there are none. */
  readonly clients?: readonly number[];
  /** Their public weights, in the same order. */
  readonly weights?: readonly number[];
  /** Their mean training losses, in the same order. */
  readonly losses?: readonly number[];
  /** What they send, as the method declares it; absent where there are none. */
  readonly upload?: Payloads["upload"];
  /** Of the model's parameters, for rules that go layer by layer. */
  readonly layout: Layout;
  /** What clients answered to `Algorithm.questions`, in their order; absent where nothing was asked. */
  readonly scores?: readonly ClassScores[];
}

/** One tensor for each layout entry, by name. */
export type ParameterTensors = Readonly<Record<string, Tensor>>;

/** Vectors by name, as traced tensors. */
export type TracedVectors = Readonly<Record<string, ParameterTensors>>;

/** What every part of the client half sees, as traced tensors: B goes down, C is the client's state, U goes up. */
export interface Local<B = TracedVectors, C = TracedVectors, U = TracedVectors> {
  /** Names, shapes and roles of the model's parameters. */
  readonly model: Layout;
  readonly broadcast: B;
  readonly state: C;
  /** For each uploaded vector: 1 for an entry that this client sends, else 0, scalars. */
  readonly sent: U;
  /** Outputs of a model on the run's public examples, [m, ...], without dropout; for methods that use such examples. */
  publicOutputs(parameters: ParameterTensors): Tensor;
}

/** A step's draws by name. What is asked for under `cond` is unpacked only where the branch is taken. */
export interface StepDraws {
  signs(name: string): ParameterTensors;
  normal(name: string): ParameterTensors;
  /** [B, ...shape of a label] */
  uniform(name: string): Tensor;
  /** [B, q] */
  features(name: string): Tensor;
  /** [B, q] */
  uniformFeatures(name: string): Tensor;
  /** The step's direction in the shape of the model, and its number in the pool, a scalar; 0 where there is no pool. */
  direction(name: string): { readonly direction: ParameterTensors; readonly pick: Tensor };
}

/** What one pass there and back gives. */
export interface StepGradient {
  readonly loss: Tensor;
  readonly gradients: ParameterTensors;
  /** What the batch makes of the model's running statistics, which no method has to see; empty where it has none. */
  readonly statistics: ParameterTensors;
}

/** One local step on one mini-batch. */
export interface LocalStep<B = TracedVectors, C = TracedVectors, U = TracedVectors> extends Local<B, C, U> {
  readonly draws: StepDraws;
  /** Scalar. */
  readonly learningRate: Tensor;
  /** Mean loss of this step's batch at any parameters, without gradients. Counts as a third of a gradient. */
  loss(parameters: ParameterTensors): Tensor;
  /** Mean loss of this step's batch and its gradients at any parameters, as often as the method asks. Gradients are clipped as configured. */
  gradient(parameters: ParameterTensors): StepGradient;
  /** The Hessian of this step's mean loss times a tangent. Not clipped. */
  hessianProduct(parameters: ParameterTensors, tangent: ParameterTensors): ParameterTensors;
  /**
   * Gradient of this step's mean loss on labels that the model draws from its own outputs by `uniform`, not clipped, and
   * the number of labels in that mean, B (scalar): padding does not count. Throws `model/no-sample`.
   */
  sampledGradient(
    parameters: ParameterTensors,
    uniform: Tensor,
  ): { readonly gradients: ParameterTensors; readonly terms: Tensor };
  /** Of this step's batch, whose weights [B] add up to 1: 0 for padding. Counts as a third of a gradient. */
  representations(parameters: ParameterTensors): Representations & { readonly weights: Tensor };
  /** How many of the client's examples are of each class, [classes]. Traced where it is asked for. */
  classCounts(): Tensor;
}

/** After the last local step. */
export interface LocalEnd<B = TracedVectors, C = TracedVectors, U = TracedVectors> extends Local<B, C, U> {
  /** Number of local steps done, scalar. */
  readonly steps: Tensor;
  /**
   * What local descent along a constant gradient of 1 comes to, scalar: the sum of the steps' learning rates, K * eta where
   * eta is constant; with local momentum each times the length to which momentum has drawn out that gradient.
   */
  readonly learningRateSum: Tensor;
  /** As in a local step. */
  classCounts(): Tensor;
  /**
   * Outputs of the model in evaluation at any parameters, in one row, on so many inputs of standard normal numbers, which
   * follow from the seed: all clients have the same. Models of nodes have them on a random graph of so many nodes. Throws
   * `model/random-inputs` for models of tokens.
   */
  randomOutputs(parameters: ParameterTensors, rows: number, seed: number): Tensor;
  /** The mean over the same inputs of what enters the head, [width]. Throws `model/representations`, too. */
  randomFeatures(parameters: ParameterTensors, rows: number, seed: number): Tensor;
  /**
   * What the layers of a model see of all of the client's examples: [n, inputs] by weight, of those weights [inputs, outputs]
   * that inputs are multiplied by. Traced where it is asked for.
   */
  layerInputs(parameters: ParameterTensors): ParameterTensors;
  /** Standard normal numbers [n, columns] for each of `ClientHalf.directions`; zeros in rounds in which they do not count. */
  readonly directions: ParameterTensors;
  /** Of all of the client's examples, in evaluation mode. */
  representations(parameters: ParameterTensors): Representations;
}

/** Options of plain local descent that belong to the run, not to the method. */
export interface LocalSettings {
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
  /** Local steps of every client, where the configuration fixes them. */
  readonly localSteps?: number | undefined;
}

/** The traced client half; it reads like the paper's inner loop. K is what local steps carry. */
export interface ClientHalf<
  B = TracedVectors,
  C = TracedVectors,
  U = TracedVectors,
  K extends TensorTree = TensorTree,
> {
  readonly draws?: Readonly<Record<string, DrawSpec>>;
  /** Random directions that `end` asks for, one for each of the client's examples, where the client sends some of a vector. */
  directions?(model: Layout): DirectionsByExample;
  /** What a mini-batch adds to its mean training loss, a scalar, in all losses and gradients of a step. Default: nothing. */
  penalty?(batch: BatchOutputs, local: Local<B, C, U>): Tensor;
  begin(local: Local<B, C, U>, settings: LocalSettings): K;
  step(carry: K, local: LocalStep<B, C, U>, settings: LocalSettings): { readonly carry: K; readonly loss: Tensor };
  end(carry: K, local: LocalEnd<B, C, U>): ClientResult<C, U>;
  /**
   * Entries of the carry, by path, that host kernels renew between local steps; for an optimizer at carry.optimizer:
   * withPrefix("optimizer", optimizer.refresh?.(entryTypes(model))). Absent or undefined: all steps are one graph.
   */
  refresh?(model: Layout, settings: LocalSettings): HostKernelSchedule | undefined;
}

/** What a client sends and what it keeps. */
export interface ClientResult<C = TracedVectors, U = TracedVectors> {
  readonly update: U;
  readonly state: C;
}

/** What a method made for differential privacy asks of a run. */
export interface PrivacyNeeds {
  /**
   * Whom noise protects. "records": clients send the mean over all of their records of something that is clipped record by
   * record, one step for each, and no record makes its client fail. Default "clients".
   */
  readonly unit?: "clients" | "records";
  /** The clip norm of a round, from public state and numbers alone, where it is not that of the configuration. */
  clipNorm?(state: ServerState, configured: number, context: RoundContext): number;
}

/** A federated method: a plain value built by a factory from validated options. */
export interface Algorithm extends SplitNeeds {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  payloads(model: Layout, settings?: PayloadSettings): Payloads;
  /** How uploads of the method travel, without loss of what it needs; `[compression]` is then refused. Default: as floats. */
  readonly compression?: { readonly up: readonly CompressionLink[]; readonly vectors: readonly string[] };
  /**
   * Which of `payloads.parts` each client of a cohort sends, by its place in the cohort. Pure: the same arguments give the
   * same parts. Default: `dealParts`, evenly at random. `state` is the server's before the round.
   */
  assign?(
    parts: number,
    cohort: readonly number[],
    key: RandomKey,
    round: number,
    state?: ServerState,
  ): readonly number[];
  /** Present in methods for tasks one after the other: the method for such a stream, without which a run is refused. */
  forTasks?(stream: Pick<TaskStream, "tasks" | "roundsPerTask">): Algorithm;
  /** The state before the first round, from the model's parameters [d] and their layout. */
  init(parameters: Vector, model: Layout, starts?: readonly Vector[]): ServerState;
  /**
   * Present in methods whose server has several models: how many at most, of which each serves a client or more, and whether
   * `init` is given random weights for each ("own", the first of `starts` being `parameters`) or all begin alike.
   */
  readonly clusters?: { readonly count: number; readonly starts: "common" | "own" };
  readonly client: ClientHalf;
  /**
   * The model that clients train in place of the configured one, where that is another: the method says which of its
   * parameters are `personal`, and a configuration cannot.
   */
  readonly trains?: ModelMap;
  /** True: that model is the configured one with more adapters, so a run may have adapters and weights to start from. */
  readonly adapts?: boolean;
  /** Present in methods of personal parameters. `payloads` and the halves see the layout of the shared ones. */
  readonly personal?: PersonalParameters;
  /** Present in methods that train on fixed representations: what stays as it is, unless `parameters.frozen` says so. */
  readonly frozen?: Selectors;
  /**
   * The personal model of a client, [d], from the global one and what the client keeps, where it keeps a model beside
   * those; undefined before its first visit. `model` is the layout of the global one.
   */
  ownModel?(global: Vector, kept: Readonly<Record<string, Vector>> | undefined, model: Layout): Vector | undefined;
  /** The global model as it is evaluated and saved, [d], from the one that training goes on with. Default: the same. */
  served?(parameters: Vector, model: Layout): Vector;
  /**
   * Present in methods whose clients have models of their own widths: each is given, trains and sends its units alone. The
   * halves see the parameters that a client has as if they were the model; the server half sees those of the whole.
   */
  readonly widths?: Widths;
  /** Present in methods whose global model is made to be adapted: learning rate of one step on a client's own examples. */
  readonly adaptation?: number;
  /**
   * True: the server half computes with the number of local steps, which must be fixed by the configuration where the
   * server is to see sums alone.
   */
  readonly countsSteps?: boolean;
  /** True: every client has to be in every cohort, so that all train in each round, whoever sends. Other runs are refused. */
  readonly wholePopulation?: boolean;
  /** Present in methods for asynchronous schedules, which a run then has by default: updates that it waits for by default. */
  readonly buffer?: number;
  /**
   * The asynchronous schedule that the method is made for, where its server adds f_i D_i / population with the factors f_i
   * of that schedule: it runs with no other one but "synchronous".
   */
  readonly schedule?: AsynchronousSchedule;
  /** True: clients send their models and not the changes to them, so updates are not to be clipped. */
  readonly sendsModels?: boolean;
  /** True: clients train models of their own, and are sent none after their first round. */
  readonly privateModels?: boolean;
  /** True: clients send outputs of their models on public examples, of which a run needs some (`data.publicExamples`). */
  readonly usesPublicExamples?: boolean;
  /** Present in methods whose server trains on public examples in each round. No other method is given their labels. */
  readonly publicTraining?: PublicTraining<ServerState, RoundContext>;
  /** Present in decentralised methods: what a node makes of the models that it hears. A run needs a topology. */
  readonly gossip?: NodeRule;
  /** Present in methods whose nodes pick the cohort of a round themselves, by hashes, and average without a server. */
  readonly sampling?: NodeSampling;
  /** Operators of uploads and broadcasts that the method is made with; a configuration may set others. */
  readonly defaultCompression?: DefaultCompression;
  /** Present in private methods: a configured run without a mechanism is refused. */
  readonly privacy?: PrivacyNeeds;
  /**
   * Vectors that go down this round; the names are those of `payloads.broadcast`. Beside them go `scalars`: in a private round
   * `clipNorm`. `round` counts from 1.
   */
  broadcast(
    state: ServerState,
    scalars: Readonly<Record<string, number>>,
    round: number,
  ): Readonly<Record<string, Vector>>;
  /** Bytes that go down beside the vectors, by name. Default: none. */
  encoded?(state: ServerState): Readonly<Record<string, Uint8Array>>;
  /**
   * What of a broadcast one client is sent, given what it keeps (undefined at its first visit): the message that is counted.
   * Default: all of it. For methods whose clients rebuild the model.
   */
  messageTo?(state: ServerState, broadcast: Carried, kept: Readonly<Record<string, Vector>> | undefined): Carried;
  /** What a client keeps after the round (1-based) that it trained last. Present: live servers have `messageTo` of it. */
  keptAfter?(round: number): Readonly<Record<string, Vector>>;
  /**
   * The vectors of `payloads.own` that one client is given in a round (1-based), in place of those that all receive; one that
   * is left out is zeros, and does not travel.
   */
  own?(state: ServerState, client: number, round: number): Readonly<Record<string, Vector>>;
  /** The model that serves a client, where the server has several: it is judged on the client's hold-out. */
  modelFor?(state: ServerState, client: number): Vector;
  /** Models of single clients, by number, where the state has them: they are evaluated beside `parameters`. */
  models?(state: ServerState): readonly Vector[];
  /** Bytes of a round, where clients do not send to the server; default: those that were carried. */
  traffic?(
    carried: CarriedBytes,
    round: Pick<RoundContext, "round" | "clients" | "layout"> & { readonly state: ServerState },
  ): CarriedBytes;
  /** Whom the server half trusts and what it chose, from the states before and after it; for events. Default: nothing is told. */
  report?(before: ServerState, after: ServerState): RuleReport | undefined;
  /**
   * Which models clients judge on their hold-outs before the server half, which has their answers as `RoundContext.scores`.
   * Absent: none.
   */
  questions?(state: ServerState, aggregate: Readonly<Record<string, Vector>>, round: RoundContext): readonly Question[];
  /** The server half: plain code over flat vectors. Returns fresh state; its inputs stay untouched. */
  update(state: ServerState, aggregate: Readonly<Record<string, Vector>>, round: RoundContext): ServerState;
}
