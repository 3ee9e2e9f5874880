import { AnabranchError, type Program } from "@anabranch/engine";
import type { Payloads } from "../algorithms/algorithm.ts";
import { stepCount } from "../client/batches.ts";
import type { TaskSpec } from "../client/run-client.ts";
import { sizeOf } from "../models/options.ts";
import { boundText } from "../privacy/accounting/index.ts";
import type { Replay } from "../seeded/index.ts";
import { clientPrivacyOf } from "./client-epsilon.ts";
import type { LocalExamples } from "./client-report.ts";
import type { TaskDescription } from "./task-description.ts";

/** What the operator of a client allows a server to request: a server can lie in its description of a run. */
export interface ClientLimits {
  /** Bytes of one model. */
  readonly download: number;
  /** Examples that one task computes gradients of: steps x batch size. Also directions from which it rebuilds a model. */
  readonly work: number;
  /** Bytes of memory that one task takes, as `taskMemory` estimates them. */
  readonly memory: number;
  /** Rounds of a run. */
  readonly rounds: number;
  /** Methods by name; undefined: all that this client has. */
  readonly algorithms?: readonly string[] | undefined;
  /** The client does not take part with fewer examples: an update of few examples says much about them. */
  readonly minimumExamples: number;
  /** Fewest clients in whose sum the client hides under secure aggregation. */
  readonly leastClients: number;
  /** Largest epsilon against the server; undefined: the client also takes part where there is none. */
  readonly epsilon?: number | undefined;
  /**
   * Takes part whatever the model is. Default: a model with a layer that looks made to copy examples into the update is
   * refused, see `suspectLayers`.
   */
  readonly anyModel?: boolean | undefined;
  /** Largest delta at which an epsilon is given: one of a half would make any epsilon small. */
  readonly delta: number;
  /** What the client's operator can do about a limit. */
  advice(limit: "download" | "work" | "memory" | "rounds" | "algorithms"): string;
}

/**
 * What a client allows unless its operator says otherwise: enough for a ResNet-18 and hours of training in each round.
 *
 * @example
 * ```ts
 * import { USUAL_LIMITS } from "@anabranch/core/live";
 * USUAL_LIMITS.rounds; // => 10000
 * ```
 */
export const USUAL_LIMITS: ClientLimits = {
  download: 2 ** 30,
  work: 10_000_000,
  memory: 2 ** 31,
  rounds: 10_000,
  minimumExamples: 1,
  // in a sum of two each of them sees the update of the other
  leastClients: 3,
  delta: 1e-3,
  advice: () => "Ask the operator of the run whether its configuration is right.",
};

/** Largest example in values: an image of 8 million pixels in color. */
const MOST_FEATURES = 2 ** 25;

type Sized = Pick<ClientLimits, "download" | "memory" | "work" | "rounds" | "algorithms" | "advice">;

/** The first look, before anything is built of a description. Throws `client/limit`. */
export function requireAllowed(limits: Sized, description: TaskDescription): void {
  const { algorithm, training, budget, data, evaluationBatch, rounds } = description;
  const { algorithms } = limits;
  if (algorithms !== undefined && !algorithms.includes(algorithm.name))
    throw beyond(limits, "algorithms", "uses a method", algorithm.name, algorithms.join(", "));
  requireAtMost(limits, "rounds", "has more rounds", rounds, "");
  const steps = "localSteps" in budget ? budget.localSteps : budget.localEpochs;
  requireAtMost(limits, "work", "trains longer", steps * training.batchSize, " examples per task at least");
  const features = sizeOf(data.features.shape);
  if (features > MOST_FEATURES || sizeOf(data.labels.shape) > MOST_FEATURES)
    throw beyond(limits, "memory", "has larger examples", `${features} values`, `at most ${MOST_FEATURES} values`);
  const batch = Math.max(training.batchSize, evaluationBatch) * features * 4;
  requireAtMost(limits, "memory", "needs more memory", batch, " bytes for one batch");
}

/** The second look, at the model, before its programs are built. Throws `client/limit`. */
export function requireModelAllowed(
  limits: Sized,
  { broadcast, clientState, upload, replay }: Payloads,
  { float, rounds, population }: Pick<TaskDescription, "float" | "rounds" | "population">,
): void {
  const bytes = (values: number) => values * (float === "float64" ? 8 : 4);
  const sizes = (layouts: readonly { readonly size: number }[]) => layouts.reduce((sum, { size }) => sum + size, 0);
  const down = sizes(Object.values(broadcast));
  requireAtMost(limits, "download", "sends a larger model", bytes(down), " bytes");
  if (replay !== undefined) {
    const directions = mostDirections(replay, { rounds, population, bytes: bytes(down) });
    requireAtMost(limits, "work", "rebuilds its model from more directions", directions, " directions");
  }
  const sent = sizes(Object.values(upload).map(({ layout }) => layout));
  const all = down + sizes(Object.values(clientState)) + sent;
  requireAtMost(limits, "memory", "needs more memory", 2 * bytes(all), " bytes");
}

/** Directions of the model's length that a client adds up for one broadcast at most. */
function mostDirections(
  replay: Replay,
  { rounds, population, bytes }: { readonly rounds: number; readonly population: number; readonly bytes: number },
): number {
  if (replay.kind === "pool") return replay.size;
  if (replay.kind === "blocks") return rounds * replay.count;
  // a log that is longer than the model is not sent
  return Math.min(rounds * population * replay.probes, replay.bytes ? bytes : bytes / 4);
}

/** What the noise of the run's clients has to do for this one. Throws `client/epsilon`. */
export function requirePrivacy(limits: Pick<ClientLimits, "epsilon" | "delta">, description: TaskDescription): void {
  const privacy = clientPrivacyOf(description);
  const beyond = (received: string, expected: string, advice: string) =>
    new AnabranchError({
      code: "client/epsilon",
      message: "the run protects its clients less than this client requires",
      ...{ received, expected, advice },
    });
  if (privacy === undefined) {
    if (limits.epsilon === undefined) return;
    const advice = "Ask the operator of the run for noise of clients, or leave out --max-epsilon.";
    throw beyond("no noise of clients", `epsilon of at most ${limits.epsilon} against the server`, advice);
  }
  if ("localEpochs" in description.budget) {
    const advice = "Ask the operator of the run for training.localSteps.";
    throw beyond("epochs, whose time suggests the number of examples", "a number of local steps", advice);
  }
  const { epsilon, delta } = privacy;
  if (delta > limits.delta) throw beyond(`delta ${delta}`, `at most ${limits.delta}`, "Change --max-delta.");
  if (limits.epsilon === undefined || epsilon <= limits.epsilon) return;
  throw beyond(`epsilon ${boundText(epsilon)} at delta ${delta}`, `at most ${limits.epsilon}`, "Change --max-epsilon.");
}

/** The last look, at the programs and the client's own examples, before they are loaded. Throws `client/limit`. */
export function requireTaskAllowed(
  limits: ClientLimits,
  { training, budget }: TaskDescription,
  task: TaskSpec,
  { train }: LocalExamples,
): void {
  const examples = train.features.shape[0] ?? 0;
  if (examples < limits.minimumExamples) throw tooFew(examples, limits.minimumExamples);
  const steps = stepCount(examples, training.batchSize, budget);
  requireAtMost(limits, "work", "trains longer", steps * training.batchSize, " examples per task");
  requireAtMost(limits, "memory", "needs more memory", taskMemory(task, steps, examples), " bytes");
}

/**
 * Bytes that a task takes, roughly: all that goes in and comes out, twice (as a message and in the program), and a quarter
 * of what one step computes, as runtimes reuse the memory of intermediate values.
 */
export function taskMemory({ program, float }: TaskSpec, steps: number, examples: number): number {
  const extents: Readonly<Record<string, number>> = { K: steps, n: examples };
  const size = ({ dtype, shape }: { readonly dtype: string; readonly shape: readonly (number | string)[] }) =>
    sizeOf(shape.map((extent) => (typeof extent === "number" ? extent : (extents[extent] ?? 1)))) *
    (dtype === "float" ? (float === "float64" ? 8 : 4) : dtype === "int32" ? 4 : 1);
  const computed = (graph: Program["graph"]): number =>
    graph.nodes.reduce((sum, { outputs, bodies }) => {
      const own = bodies.length === 0 ? outputs.reduce((all, output) => all + size(output), 0) : 0;
      return sum + own + bodies.reduce((all, body) => all + computed(body), 0);
    }, 0);
  const programs = "graph" in program ? [program] : [program.head, program.body, program.tail];
  const ports = [...program.inputs, ...program.outputs].reduce((sum, port) => sum + size(port), 0);
  return Math.ceil(2 * ports + programs.reduce((sum, { graph }) => sum + computed(graph), 0) / 4);
}

function requireAtMost(
  limits: Sized,
  limit: "download" | "work" | "memory" | "rounds",
  does: string,
  received: number,
  unit: string,
): void {
  if (received <= limits[limit]) return;
  throw beyond(limits, limit, does, `${received}${unit}`, `at most ${limits[limit]}`);
}

function beyond(
  limits: Sized,
  limit: Parameters<ClientLimits["advice"]>[0],
  does: string,
  received: string,
  expected: string,
): AnabranchError {
  return new AnabranchError({
    code: "client/limit",
    message: `the run ${does} ${limit === "algorithms" ? "that this client does not allow" : "than this client allows"}`,
    received,
    expected,
    advice: limits.advice(limit),
  });
}

function tooFew(examples: number, minimum: number): AnabranchError {
  return new AnabranchError({
    code: "client/limit",
    message: "this client has too few examples to take part",
    received: String(examples),
    expected: `at least ${minimum}`,
    advice: "Add data, or lower --minimum-examples: an update of few examples can show them.",
  });
}
