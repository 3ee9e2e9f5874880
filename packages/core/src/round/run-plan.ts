import type { RobustRule } from "../aggregation/robust/index.ts";
import type { Algorithm, Judge, Payloads } from "../algorithms/algorithm.ts";
import type { PublicTrainer } from "../algorithms/public-training.ts";
import type { OrderDuration } from "../clock/index.ts";
import type { Baseline } from "../config/baseline.ts";
import type { ClassGroup } from "../data/partitioners/long-tail-sizes.ts";
import type { TaskStream } from "../data/task-stream.ts";
import type { Probe } from "../metrics/flatness.ts";
import type { DiagnosticsSettings } from "../metrics/settings.ts";
import type { Layout } from "../params/layout.ts";
import type { HeldParameters } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import type { PipelineSettings, UpdateAttack } from "../pipeline/index.ts";
import type { RecordedAccount } from "../privacy/accounting/index.ts";
import type { SecureAggregationProtocol } from "../privacy/secure-aggregation/protocol.ts";
import type { Schedule } from "../schedule/index.ts";
import type { Churn } from "../selection/churn.ts";
import type { Sampler } from "../selection/sampler.ts";
import type { Adaptation, Adapter } from "./adapter.ts";
import type { Backend, Evaluator, Warning } from "./backend.ts";
import type { BlobStore } from "./blob-store.ts";
import type { ClientStateStore, ClientVectors } from "./client-state.ts";
import type { EventOf, RunEvent } from "./events.ts";
import type { FailedEnd } from "./trouble.ts";

/** What rounds of a private run cost: a function of how many were begun, whoever came. */
export interface PrivacyAccount {
  readonly accountant: string;
  readonly delta: number;
  /** The run stops before a round that would exceed it. */
  readonly targetEpsilon: number | undefined;
  /** Of all that was spent when so many rounds of this run are done; infinite where nothing is guaranteed. */
  epsilonAfter(rounds: number): number;
  /** What a round spends and what was spent on the initial weights, for whoever goes on from the model. */
  readonly recorded: RecordedAccount;
  /** Whether the test examples are clients' own: metrics on them go to the operator, and decide nothing. */
  readonly testOnClients?: boolean;
  readonly assumptions: readonly string[];
  readonly warnings: readonly Warning[];
}

/** What the loop needs to know of a run; it names no file, no thread and no socket. */
export interface RunPlan {
  readonly id: string;
  readonly name: string;
  readonly configHash: string;
  /** What a federation is compared with; absent: a federation. Its messages are not counted, as nothing is exchanged. */
  readonly baseline?: Baseline | undefined;
  /**
   * The model that a client has for itself, [d], from the first model of the run and what the client keeps. Present:
   * those models are evaluated, and metrics are means over clients.
   */
  localModel?: ((initial: Vector, kept: ClientVectors | undefined) => Vector) | undefined;
  /** Hash of the data and how they are dealt out. */
  readonly dataHash: string;
  readonly seed: number;
  readonly rounds: number;
  readonly population: number;
  readonly algorithm: Algorithm;
  /** Of the parameters that travel: the global model. */
  readonly layout: Layout;
  /** Parameters that do not travel; absent: all do. */
  readonly held?: HeldParameters | undefined;
  readonly payloads: Payloads;
  /** [layout.size] */
  readonly initial: Vector;
  readonly sampler: Sampler;
  readonly stages: PipelineSettings;
  /** A rule that sees every update of a round, in place of the method's mean; absent: none. */
  readonly rule?: RobustRule | undefined;
  /** The server's own client, for rules that compare updates with one that it trained; absent: there is none. */
  readonly rootClient?: number | undefined;
  /** Element type of the model and of what clients send. */
  readonly float: "float32" | "float64";
  /** What simulated attackers do to their updates; absent: nothing. */
  readonly attack?: UpdateAttack | undefined;
  /** Seed of the randomness of stages: noise, rounding, rotation. */
  readonly stageSeed: number;
  readonly schedule: Schedule;
  /** How long simulated clients take; absent: no time. */
  readonly durations?: OrderDuration | undefined;
  /** Simulated clients that stop answering; absent: none. */
  readonly churn?: Churn | undefined;
  /** Strength of the first-order term on stale updates; absent: 0. */
  readonly compensation?: number | undefined;
  /** Of a private run. */
  readonly account?: PrivacyAccount | undefined;
  /** Local steps of every client where the configuration fixes them, which makes them public. */
  readonly localSteps?: number | undefined;
  /** What the operator should know of this configuration; announced when the run starts. */
  readonly warnings?: readonly Warning[] | undefined;
  /** Loss of guessing all classes alike, ln(classes); absent where the model does not classify. */
  readonly guessingLoss?: number | undefined;
  /** Whether each class is common or rare in long-tailed training data; absent: they are not long-tailed, or not known. */
  readonly classGroups?: readonly ClassGroup[] | undefined;
  /** Classes that are never labelled, where training labels are hidden; absent: they are not. */
  readonly unseenClasses?: readonly number[] | undefined;
  /** Tasks that come one after the other; absent: there is one. */
  readonly taskStream?: Pick<TaskStream, "tasks" | "roundsPerTask"> | undefined;
  /** How losses become errors where the model predicts numbers; absent: it predicts classes. */
  readonly regression?: RegressionScale | undefined;
  /** Local learning rate of a round (1-based). */
  learningRate(round: number): number;
  readonly evaluateEvery: number;
  /** Rounds between evaluations on clients' own hold-outs; 0: never. */
  readonly evaluateClientsEvery: number;
  /** Rounds between evaluations of the models of single clients, where the method has such; absent or 0: never. */
  readonly evaluateModelsEvery?: number | undefined;
  /** How clients adapt the global model before another evaluation on their hold-outs; absent: not at all. */
  readonly adaptation?: Adaptation | undefined;
  /** What is measured beside losses and accuracies; absent: nothing. */
  readonly diagnostics?: DiagnosticsSettings | undefined;
  /** FLOPs of the tasks of each part, where clients train models of their own sizes; absent: those of `description`. */
  readonly partFlops?: readonly { readonly flopsPerStep: number; readonly flopsPerTask: number }[] | undefined;
  readonly onClientFailure: "continue" | "stop";
  /** Evaluations without improvement before the run stops; 0: never. */
  readonly patience: number;
  /** Test accuracy at which the run stops. */
  readonly targetAccuracy: number | undefined;
  readonly checkpointEvery: number;
  readonly checkpointKeep: number;
  /** What `run.started` tells beside the above. */
  readonly description: {
    readonly model: string;
    readonly dataset: string;
    readonly cohort: number;
    readonly workers: number;
    readonly executor: { readonly name: string; readonly version: string; readonly fingerprint: string };
    /** Gradients of a mini-batch in one local step. */
    readonly gradientsPerStep: number;
    /** FLOPs of a client task with K steps: flopsPerTask + K * flopsPerStep; see `countFlops`. */
    readonly flopsPerStep?: number;
    readonly flopsPerTask?: number;
    /** FLOPs of the server in a step of a client, where the model is split between them. */
    readonly serverFlopsPerStep?: number;
    /** Of the declared link and device. */
    readonly joulesPerByte?: number;
    readonly joulesPerFlop?: number;
    /** What is done for privacy and from where its noise comes, in words; absent: nothing. */
    readonly privacy?: string;
    /** What a controller has chosen for clients' adapters, in words; absent: there is none. */
    readonly adapters?: string;
    /** How updates are aggregated, in words; absent: by their mean. */
    readonly aggregation?: string;
    /** What simulated attackers do, and who they are; absent: all clients are honest. */
    readonly attack?: { readonly name: string; readonly text: string; readonly attackers: number[] };
    /** How updates are hidden in their sum, in words; absent: they are not. */
    readonly secureAggregation?: string;
    readonly compression?: string;
    readonly codecs?: EventOf<"run.started">["codecs"];
    /** Of a run without a server: see `run.started`. */
    readonly topology?: EventOf<"run.started">["topology"];
  };
}

/** What a mean squared error of standardised targets is compared with. */
export interface RegressionScale {
  /** Units of the target per unit of its standardised form; 1 where it is not standardised. */
  readonly deviation: number;
  /** Variance of the test targets as the model sees them. */
  readonly variance: number;
}

/** The world the loop acts on. */
export interface RunPorts {
  readonly backend: Backend;
  readonly evaluator: Evaluator;
  readonly checkpoints: BlobStore;
  readonly clientStates: ClientStateStore;
  /** Looks at clients' losses, where `diagnostics.flatness` asks for it. */
  readonly probe?: Probe | undefined;
  /** Adapts the global model to clients for evaluation, where the plan asks for that; absent: it is not adapted. */
  readonly adapter?: Adapter | undefined;
  /** Answers for clients that judge models on their hold-outs, where the method asks them to. */
  readonly judge?: Judge | undefined;
  /** Trains on labelled public examples, where the server of the method does. */
  readonly trainer?: PublicTrainer | undefined;
  /** Adds whole numbers under masks, where the plan's stages ask for that. */
  readonly secureAggregation?: SecureAggregationProtocol | undefined;
  /** Receives every event, in order; the loop waits for it, so that what was announced is durable. */
  emit(event: RunEvent): void | Promise<void>;
  /** Aborted: the loop finishes the running round, writes a checkpoint and returns. */
  readonly signal?: AbortSignal;
}

/** One line of a run's history. */
export interface RoundRecord {
  readonly round: number;
  /** Mean training loss over the cohort; NaN when no client finished. */
  readonly loss: number;
  readonly learningRate: number;
  readonly clients: number;
  readonly seconds: number;
  readonly bytesDown: number;
  readonly bytesUp: number;
  testLoss?: number;
  /** Absent where the model predicts numbers. */
  testAccuracy?: number;
  /** Root of the mean squared error, in units of the target, and the coefficient of determination; of numbers alone. */
  testRmse?: number;
  testR2?: number;
  clientMean?: number;
  clientWorstDecile?: number;
  /** Mean accuracy over clients of their own models, and of the adapted global one. */
  personalMean?: number;
  adaptedMean?: number;
  /** Test accuracy of the worst node of a decentralised run. */
  nodeWorst?: number;
}

export interface RunResult {
  readonly parameters: Vector;
  readonly modelHash: string;
  /** Rounds of this session; a resumed run's earlier rounds are in its event log. */
  readonly history: readonly RoundRecord[];
  /** Last finished round. */
  readonly round: number;
  /** Round of the best evaluation: of the highest accuracy, or (accuracy null) of the lowest loss where numbers are predicted. */
  readonly best: { readonly round: number; readonly accuracy: number | null } | undefined;
  /** The last two are failures: see `reason`. They throw nothing. */
  readonly stopped: "finished" | "interrupted" | "early-stop" | FailedEnd;
  /** Why a run has failed, and what to do next. */
  readonly reason?: string;
}
