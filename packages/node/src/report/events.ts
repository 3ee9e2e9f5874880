import * as z from "zod";

// Reading is lenient on purpose: a report must open for a run that was cut off, that diverged (JSON has no NaN: such
// numbers arrive as null), or that a newer version wrote. Unknown keys are dropped, missing numbers become NaN.
const real = z.number().catch(Number.NaN);
const text = z.string().catch("");
const reals = z.array(real).catch([]);
const round = z.number().int().nonnegative();
const at = text;

const runStarted = z.object({
  type: z.literal("run.started"),
  at,
  run: text,
  name: text,
  algorithm: text,
  model: text,
  dataset: text,
  parameters: real,
  clients: real,
  cohort: real,
  rounds: real,
  executor: z
    .object({ name: text, version: text, fingerprint: text })
    .catch({ name: "", version: "", fingerprint: "" }),
  workers: real,
  seed: z.union([z.number(), z.string()]).catch(""),
  resumedFrom: round.optional().catch(undefined),
});

const roundStarted = z.object({ type: z.literal("round.started"), at, round, cohort: reals, learningRate: real });

const clientFailed = z.object({
  type: z.literal("client.failed"),
  at,
  round,
  client: real,
  code: text,
  message: text,
  retried: z.boolean().catch(false),
});

const roundFinished = z.object({
  type: z.literal("round.finished"),
  at,
  round,
  loss: real,
  clients: real,
  examples: real,
  bytesDown: real,
  bytesUp: real,
  seconds: real,
  trainSeconds: real,
  aggregateSeconds: real,
  clientsPerSecond: real,
  clientLossMin: real,
  clientLossMax: real,
  updateNorm: real,
});

const evaluation = z.object({
  type: z.literal("evaluation"),
  at,
  round,
  split: z.string().catch("test"),
  loss: real,
  accuracy: real,
  examples: real,
  seconds: real,
});

const clientEvaluation = z.object({
  type: z.literal("client.evaluation"),
  at,
  round,
  mean: real,
  worstDecile: real,
  best: real,
  accuracies: reals,
  clients: reals,
});

const checkpointSaved = z.object({ type: z.literal("checkpoint.saved"), at, round, file: text, bytes: real });

const runStopped = z.object({ type: z.literal("run.stopped"), at, round, reason: text, message: text });

const runFinished = z.object({
  type: z.literal("run.finished"),
  at,
  rounds: real,
  seconds: real,
  loss: real,
  accuracy: real,
  bestRound: real,
  bestAccuracy: real,
  bytesDown: real,
  bytesUp: real,
  modelHash: text,
});

const runEvent = z.discriminatedUnion("type", [
  runStarted,
  roundStarted,
  clientFailed,
  roundFinished,
  evaluation,
  clientEvaluation,
  checkpointSaved,
  runStopped,
  runFinished,
]);

/** One event of a run as the report and the terminal read it; numbers that were missing are NaN. */
export type RunEvent = z.infer<typeof runEvent>;
export type RunStarted = z.infer<typeof runStarted>;
export type RoundFinished = z.infer<typeof roundFinished>;
export type Evaluation = z.infer<typeof evaluation>;
export type ClientEvaluation = z.infer<typeof clientEvaluation>;
export type ClientFailed = z.infer<typeof clientFailed>;
export type RunStopped = z.infer<typeof runStopped>;
export type RunFinished = z.infer<typeof runFinished>;

/** Reads one event; undefined for types and shapes this version does not know. */
export function parseEvent(value: unknown): RunEvent | undefined {
  const result = runEvent.safeParse(value);
  return result.success ? result.data : undefined;
}

/**
 * Reads the text of events.jsonl. Lines that are not JSON (a run killed while writing leaves a cut last line) and
 * unknown events are skipped and counted.
 */
export function parseEventLines(source: string): { events: RunEvent[]; skipped: number } {
  const events: RunEvent[] = [];
  let skipped = 0;
  for (const line of source.split("\n")) {
    if (line.trim() === "") continue;
    const event = parseEvent(parseJson(line));
    if (event === undefined) skipped++;
    else events.push(event);
  }
  return { events, skipped };
}

/** The value of a JSON text, or undefined where it is not JSON. */
export function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}
