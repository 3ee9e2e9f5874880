/**
 * What happens in a run, one JSON object a line in events.jsonl: the one source of terminal, files and dashboard.
 * JSON has no NaN: a measured number that is missing or not finite (the loss of a diverged run) is null in the file.
 */
import * as z from "zod";
import { baselines } from "../config/baseline.ts";
import { privacyAccountSchema } from "../privacy/accounting/record.ts";
import { jsonText } from "../text/printable.ts";
import { classAccuracies, openWorldAccuracies, real, taskAccuracies } from "./accuracy-schemas.ts";

/**
 * Version of the events; readers refuse later ones.
 *
 * @example
 * ```ts
 * import { EVENT_VERSION } from "@anabranch/core";
 * EVENT_VERSION; // => 1
 * ```
 */
export const EVENT_VERSION = 1;

const [count, round] = [z.int().nonnegative(), z.int().nonnegative()];

/** The fields that all events share. `at` is an ISO time; it tells people when, and enters no hash. */
const envelope = { v: z.literal(EVENT_VERSION), at: z.iso.datetime({ offset: true }) };

/** An (epsilon, delta) guarantee for whole clients or single records, and whose formula gave it. */
const spent = z.object({
  epsilon: real,
  delta: z.number(),
  accountant: z.string(),
  /** What of epsilon the initial weights had cost already; absent: nothing. The rest is less than the difference. */
  before: real.optional(),
  /** False: epsilon does not cover the data that the initial weights were trained on. */
  covered: z.boolean().optional(),
});

const runStarted = z.object({
  ...envelope,
  type: z.literal("run.started"),
  run: z.string(),
  name: z.string(),
  algorithm: z.string(),
  /** What a federation is compared with; absent: a federation. */
  baseline: z.enum(baselines).optional(),
  model: z.string(),
  dataset: z.string(),
  /** d, the number of the model's parameters. */
  parameters: count,
  /** How many of them do not travel; absent: all do. */
  heldParameters: z.object({ personal: count, frozen: count }).optional(),
  clients: count,
  /** Clients per round (their expected number under Poisson sampling). */
  cohort: z.number(),
  /** Of asynchronous rounds: their updates, and the clients that train at a time; absent: a round waits for its cohort. */
  asynchronous: z.object({ buffer: count, concurrency: count }).optional(),
  rounds: count,
  executor: z.object({ name: z.string(), version: z.string(), fingerprint: z.string() }),
  workers: count,
  seed: z.int(),
  /** The version of Anabranch, and the hash of the data and of who holds what; absent in runs of earlier versions. */
  packageVersion: z.string().optional(),
  dataHash: z.string().optional(),
  /** The model predicts numbers, so evaluations have errors and no accuracies; absent: it predicts classes. */
  predicts: z.literal("numbers").optional(),
  /** Gradients of a mini-batch in one local step of the method; absent in runs of earlier versions. */
  gradientsPerStep: z.number().nonnegative().optional(),
  /** FLOPs of a client task with K local steps: flopsPerTask + K * flopsPerStep; absent in runs of earlier versions. */
  flopsPerStep: z.number().nonnegative().optional(),
  flopsPerTask: z.number().nonnegative().optional(),
  /** FLOPs of the server in a step of a client, where the model is split between them; absent: it is not. */
  serverFlopsPerStep: z.number().nonnegative().optional(),
  /** Of the declared link and device; absent: none was declared. */
  joulesPerByte: z.number().nonnegative().optional(),
  joulesPerFlop: z.number().nonnegative().optional(),
  /** Differential privacy in words; absent: none. */
  privacy: z.string().optional(),
  /** Noise multiplier of its rounds: the configured one, or the one that was chosen for the target. */
  noiseMultiplier: z.number().nonnegative().optional(),
  /** What the epsilon of its rounds assumes. */
  privacyAssumptions: z.array(z.string()).optional(),
  /** What was spent when the run was started or resumed. */
  privacySpent: spent.optional(),
  /** False: test metrics are of clients' own examples, which epsilon does not cover. */
  testCovered: z.boolean().optional(),
  /** What its rounds spend, for the record in its model's file. */
  privacyAccount: privacyAccountSchema.optional(),
  /** How updates are aggregated, in words; absent: by their mean. */
  aggregation: z.string().optional(),
  /** Secure aggregation in words; absent: none. */
  secureAggregation: z.string().optional(),
  adapters: z.string().optional(),
  compression: z.string().optional(),
  codecs: z.object({ up: z.string().optional(), down: z.string().optional() }).optional(),
  /**
   * Of a run without a server: its graph. `lambda` is the second eigenvalue of the mixing matrix (of one round, where it
   * repeats after several), `links` the models that are sent in a round, `edges` who is joined in the first round.
   */
  topology: z
    .object({
      name: z.string(),
      nodes: count,
      lambda: z.number().optional(),
      links: z.number().nonnegative(),
      edges: z.array(z.tuple([count, count])),
    })
    .optional(),
  /** What simulated attackers do, in words, and who they are; absent: all clients are honest. */
  attack: z.object({ name: z.string(), text: z.string(), attackers: z.array(count) }).optional(),
  /** The round whose checkpoint this run continues from. */
  resumedFrom: round.optional(),
});

const roundStarted = z.object({
  ...envelope,
  type: z.literal("round.started"),
  round,
  /** Of an asynchronous round: the clients that train when it starts. */
  cohort: z.array(count),
  learningRate: z.number(),
});

const clientFailed = z.object({
  ...envelope,
  type: z.literal("client.failed"),
  round,
  client: count,
  code: z.string(),
  message: z.string(),
  /** Whether the task was repeated. */
  retried: z.boolean(),
});

const roundFinished = z.object({
  ...envelope,
  type: z.literal("round.finished"),
  round,
  /** Mean training loss of the cohort. */
  loss: real,
  /** Clients whose update was folded. */
  clients: count,
  /** Training examples of these clients together; absent where the server does not know them. */
  examples: count.optional(),
  /** Local steps of these clients together; absent in runs of earlier versions. */
  steps: count.optional(),
  bytesDown: count,
  bytesUp: count,
  /** Bytes of the largest message in either direction: the peak of one exchange; absent in runs of earlier versions. */
  largestMessage: count.optional(),
  seconds: z.number(),
  trainSeconds: z.number(),
  aggregateSeconds: z.number(),
  clientsPerSecond: real,
  clientLossMin: real,
  clientLossMax: real,
  /** Euclidean norm of the aggregate. */
  updateNorm: real,
  /** FLOPs of these clients' tasks, where they train models of other sizes; absent: what `run.started` says of each. */
  flops: z.number().nonnegative().optional(),
  /** Processor time of the clients' tasks over all threads, where it is measured. */
  cpuSeconds: z.number().optional(),
  /** Drift between the clients' vectors, for uploads that a method wants measured; see `Drift`. */
  drift: z.record(z.string(), z.object({ absolute: real, relative: real })).optional(),
  /** Simulated time from the start of the run to the end of the round; absent without [devices]. */
  simulatedSeconds: z.number().nonnegative().optional(),
  /** Of an asynchronous round: versions of the model since those that its updates were trained on. */
  staleness: z.object({ mean: z.number().nonnegative(), max: count }).optional(),
  /** Of an asynchronous round: its updates in the order in which they were added, each by client, version and visit. */
  updates: z.array(z.tuple([count, count, count])).optional(),
  /** By client, what a rule made of them: removed, chosen and trusted; `weights`: those whose adapters it keeps from now on. */
  aggregation: z
    .object({
      rule: z.string(),
      dropped: z.array(count).optional(),
      selected: z.array(count).optional(),
      trust: z.array(z.tuple([count, z.number()])).optional(),
      weights: z.array(z.string()).optional(),
    })
    .optional(),
  /** Simulated attackers of the round that sent a crafted update, the factor that they chose, and whom they copied. */
  attack: z.object({ clients: z.array(count), factor: real.optional(), target: count.optional() }).optional(),
  /** Privacy spent on all rounds so far; epsilon is null where nothing is guaranteed. */
  privacy: spent.optional(),
  /** Of secure aggregation; `clientSeconds` of all clients in this process together, `cut`: share of clipped values. */
  secureAggregation: z
    .object({
      protocol: z.string(),
      survivors: count,
      serverSeconds: z.number(),
      clientSeconds: z.number().optional(),
      cut: z.number().optional(),
    })
    .optional(),
});

const evaluation = z.object({
  ...envelope,
  type: z.literal("evaluation"),
  round,
  split: z.literal("test"),
  loss: real,
  /** Null where the model predicts numbers. */
  accuracy: real,
  examples: count,
  seconds: z.number(),
  /** Of models that predict numbers: root mean squared error in units of the target, and coefficient of determination. */
  rmse: z.number().nonnegative().optional(),
  r2: z.number().optional(),
  /** Success rate of an attack on data: share of the examples that it is after which get the label that attackers want. */
  attackSuccess: real.optional(),
  /** False: of a private run, on clients' own examples, which its epsilon does not cover. */
  covered: z.boolean().optional(),
  /** Where each client has a model of its own: loss and accuracy are means over clients, and this is of the bottom decile. */
  worstDecile: real.optional(),
  /** Accuracies by class, where each example has one of a few. */
  classes: classAccuracies.optional(),
  /** Of a stream of tasks, on their own test examples; `accuracy` is over all tasks, those to come included. */
  tasks: taskAccuracies.optional(),
  /** Where some classes have no labels in training. */
  openWorld: openWorldAccuracies.optional(),
});

const accuraciesOfClients = z.object({
  mean: real,
  worstDecile: real,
  best: real,
  accuracies: z.array(real),
  classes: classAccuracies.optional(),
});

const clientEvaluation = z.object({
  ...envelope,
  type: z.literal("client.evaluation"),
  round,
  mean: real,
  /** Bottom decile: mean accuracy of the tenth of the clients with the lowest. */
  worstDecile: real,
  best: real,
  /** Accuracy of each of `clients`, in the same order. */
  accuracies: z.array(real),
  clients: z.array(count),
  /** Accuracies by class over the hold-outs of all clients together. */
  classes: classAccuracies.optional(),
  /** In place of accuracies where the model predicts numbers: root mean squared errors in units of the target. */
  rmse: z.object({ mean: real, worstDecile: real, best: real, errors: z.array(real) }).optional(),
  /** The same of the clients' own models; absent where they have none, or keep them to themselves in a live run. */
  personal: accuraciesOfClients.optional(),
  /** The same of the global model after some steps on each client's own examples; absent where it is not adapted. */
  adapted: accuraciesOfClients.optional(),
});

/** Of a run without a server, or whose server has a model for each client: these models on the test set. */
const nodeEvaluation = z.object({
  ...envelope,
  type: z.literal("node.evaluation"),
  round,
  /** Mean test accuracy of the nodes; `evaluation` has that of their mean model. */
  mean: real,
  worst: real,
  best: real,
  /** Consensus distance, sqrt(mean_i |x_i - mean|^2): 0 where all nodes have the same model. */
  consensus: real,
  /** Accuracy by node. */
  accuracies: z.array(real),
});

/** What `[diagnostics]` has measured of the model and of the round that made it; what is off or left out is absent. */
const diagnostics = z.object({
  ...envelope,
  type: z.literal("diagnostics"),
  round,
  /** See `metrics/flatness.ts`. */
  flatness: z
    .object({
      radius: z.number(),
      clients: count,
      distance: real,
      momentumDistance: real,
      globalSharpness: real,
      localSharpness: real,
    })
    .optional(),
  /** By uploaded vector, see `metrics/coherence.ts`. */
  coherence: z.record(z.string(), real).optional(),
  /** See `metrics/conditioning.ts`. */
  conditioning: real.optional(),
  /** Relative variance by uploaded vector and block strategy, see `metrics/block-variance.ts`. */
  preconditioners: z.record(z.string(), z.record(z.string(), real)).optional(),
  /** See `metrics/task-meter.ts`. */
  clipping: z.object({ clients: count, meanNorm: real, clipNorm: real, clippedShare: real }).optional(),
  /** Of compressed uploads, means over clients; bytes of one client. See `metrics/task-meter.ts`. */
  compression: z.object({ clients: count, bytes: real, plainBytes: real, error: real, cosine: real }).optional(),
  /** The same of the compressed broadcast; bytes of the message to one client that has the version before. */
  broadcastCompression: z.object({ bytes: real, plainBytes: real, error: real, cosine: real }).optional(),
  seconds: z.number(),
  /** These seconds over those of the round. */
  shareOfRound: real,
  /** False: of a private run, computed from single clients without noise, which its epsilon does not cover. */
  covered: z.boolean().optional(),
});

const checkpointSaved = z.object({
  ...envelope,
  type: z.literal("checkpoint.saved"),
  round,
  file: z.string(),
  bytes: count,
});

/** Something the operator should know that did not stop the run. */
const runWarning = z.object({ ...envelope, type: z.literal("run.warning"), code: z.string(), message: z.string() });

const runStopped = z.object({
  ...envelope,
  type: z.literal("run.stopped"),
  round,
  /** `clients-failed`: all of them, round after round; `diverged` where training was why. */
  reason: z.enum(["interrupted", "early-stop", "diverged", "clients-failed", "error"]),
  message: z.string(),
});

const runFinished = z.object({
  ...envelope,
  type: z.literal("run.finished"),
  rounds: count,
  seconds: z.number(),
  loss: real,
  accuracy: real,
  bestRound: round,
  bestAccuracy: real,
  bytesDown: count,
  bytesUp: count,
  modelHash: z.string(),
  /** Privacy spent on the model. */
  privacy: spent.optional(),
});

/**
 * The schema of each type.
 *
 * @example
 * ```ts
 * import { runEventSchemas } from "@anabranch/core";
 * runEventSchemas.map((schema) => schema.shape.type.value).includes("evaluation"); // => true
 * ```
 */
export const runEventSchemas = [
  runStarted,
  roundStarted,
  clientFailed,
  roundFinished,
  evaluation,
  clientEvaluation,
  nodeEvaluation,
  diagnostics,
  checkpointSaved,
  runWarning,
  runStopped,
  runFinished,
] as const;
/** Any of them. */
export const runEventSchema = z.discriminatedUnion("type", runEventSchemas);

/** One event. `type` tells which. */
export type RunEvent = z.output<typeof runEventSchema>;
export type RunEventType = RunEvent["type"];
/** The event of one type, e.g. `EventOf<"round.finished">`. */
export type EventOf<T extends RunEventType> = Extract<RunEvent, { type: T }>;
/** An event before it is stamped with version and time. */
export type RunEventBody = WithoutStamp<RunEvent>;
type WithoutStamp<E> = E extends RunEvent ? Omit<E, "v" | "at"> : never;

/**
 * Adds version and time to what happened. `now` is the clock, in ms since 1970.
 *
 * @example
 * ```ts
 * import { stampEvent } from "@anabranch/core";
 * const event = stampEvent({ type: "run.warning", code: "x/y", message: "look" }, 0);
 * event.at; // => "1970-01-01T00:00:00.000Z"
 * ```
 */
export function stampEvent(body: RunEventBody, now: number = Date.now()): RunEvent {
  const { type, ...fields } = body;
  return { v: EVENT_VERSION, type, at: new Date(now).toISOString(), ...fields } as RunEvent;
}

/**
 * One line of events.jsonl, without the line break; one for readers, too, that break lines at U+2028.
 *
 * @example
 * ```ts
 * import { renderEvent, stampEvent } from "@anabranch/core";
 * const event = stampEvent({ type: "run.warning", code: "x/y", message: "look" }, 0);
 * renderEvent(event).startsWith('{"v":1,"type":"run.warning"'); // => true
 * ```
 */
export function renderEvent(event: RunEvent): string {
  return jsonText(event);
}
