import { stepCount } from "@anabranch/core";
import type { LocalExamples, OpenTask, TaskDescription } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";

/** What the operator of a client allows a server to ask for. Undefined: no limit. */
export interface ClientLimits {
  /** Bytes of one download. */
  readonly download?: number | undefined;
  /** Examples that one task computes gradients of: steps x batch size. */
  readonly work?: number | undefined;
  /** Bytes of memory, as `estimateMemory` counts them. */
  readonly memory?: number | undefined;
  /** Methods by name; default: all that this client has. */
  readonly algorithms?: readonly string[] | undefined;
  /** The client does not take part with fewer examples: an update of few examples says much about them. */
  readonly minimumExamples?: number | undefined;
}

/** Refuses a run that goes beyond the limits. Throws `client/limit`. */
export function requireWithin(
  limits: ClientLimits,
  description: TaskDescription,
  open: OpenTask,
  { train }: LocalExamples,
): void {
  const { download, work, memory, algorithms, minimumExamples = 1 } = limits;
  const { algorithm, training, budget } = description;
  const examples = train.features.shape[0] ?? 0;
  if (algorithms !== undefined && !algorithms.includes(algorithm.name)) {
    throw beyond("uses a method that this client does not allow", algorithm.name, algorithms.join(", "), "algorithms");
  }
  if (examples < minimumExamples) {
    throw new AnabranchError({
      code: "client/limit",
      message: "this client has too few examples to take part",
      received: String(examples),
      expected: `at least ${minimumExamples}`,
      advice: "Add data, or lower --minimum-examples: an update of few examples can show them.",
    });
  }
  const asked = {
    download: broadcastBytes(open),
    work: stepCount(examples, training.batchSize, budget) * training.batchSize,
    memory: estimateMemory(open, train),
  };
  if (download !== undefined && asked.download > download) {
    throw beyond(
      "sends a larger model than this client allows",
      `${asked.download} bytes`,
      `at most ${download} bytes`,
      "download",
    );
  }
  if (work !== undefined && asked.work > work) {
    throw beyond(
      "wants longer training than this client allows",
      `${asked.work} examples per task`,
      `at most ${work}`,
      "work",
    );
  }
  if (memory !== undefined && asked.memory > memory) {
    throw beyond(
      "needs more memory than this client allows",
      `some ${asked.memory} bytes`,
      `at most ${memory} bytes`,
      "memory",
    );
  }
}

/**
 * Bytes that a task takes at least: the examples, and what the client is sent, keeps and sends, three times over (as a
 * message, in the program, and as a result). Activations come on top.
 */
export function estimateMemory({ task }: OpenTask, data: LocalExamples["train"]): number {
  const values = [task.broadcast, task.clientState, task.upload].map(valuesOf).reduce((a, b) => a + b);
  const examples = data.features.data.byteLength + data.labels.data.byteLength;
  return 2 * examples + 3 * values * bytesPerValue(task.float);
}

function broadcastBytes({ task }: OpenTask): number {
  return valuesOf(task.broadcast) * bytesPerValue(task.float);
}

function valuesOf(layouts: OpenTask["task"]["broadcast"]): number {
  return Object.values(layouts).reduce((sum, { size }) => sum + size, 0);
}

function bytesPerValue(float: "float32" | "float64"): number {
  return float === "float64" ? 8 : 4;
}

function beyond(what: string, received: string, allowed: string, option: string): AnabranchError {
  return new AnabranchError({
    code: "client/limit",
    message: `the run ${what}`,
    received,
    expected: allowed,
    advice: `If you trust the server, change --limit-${option}.`,
  });
}
