import { join, resolve } from "node:path";
import { byRound, foldEvents, type RunHistory } from "@anabranch/core";
import * as z from "zod";
import { readLines } from "../store/event-lines.ts";
import { readPlainSync } from "../store/plain-file.ts";
import { largestConfig, runIdOf } from "../store/run-folder.ts";
import { readingError } from "../store/storage-error.ts";
import type { EvaluationEvent, RoundFinished } from "./events.ts";
import { parseEventLines, parseJson } from "./events.ts";
import { type MetricsRow, parseMetrics } from "./metrics-csv.ts";

const partitionSchema = z.object({
  scheme: z.string().catch(""),
  counts: z.array(z.array(z.number())),
  classNames: z.array(z.string()).optional().catch(undefined),
  clientNames: z.array(z.string()).optional().catch(undefined),
  statistics: z.record(z.string(), z.unknown()).catch({}),
});

/** Who holds what: `counts` [clients, classes] in examples. */
export type PartitionData = z.infer<typeof partitionSchema>;

const metricsSchema = z.object({
  round: z.number(),
  examples: z.number(),
  classNames: z.array(z.string()).optional().catch(undefined),
  confusion: z.array(z.array(z.number())).max(200),
  auc: z.number().optional().catch(undefined),
});

const environmentSchema = z.object({
  node: z.string(),
  system: z.string(),
  processor: z.string(),
  cores: z.number(),
  memoryBytes: z.number(),
  commit: z.string().optional().catch(undefined),
});

/** What the last session of a run was computed with. */
export type EnvironmentData = z.infer<typeof environmentSchema>;

/** What the final model predicts on the test set: examples by class and predicted class. */
export type ClassMetricsData = z.infer<typeof metricsSchema>;

/** A run as the report draws it. */
export interface RunData extends RunHistory {
  /** Run id; the folder's name where the events do not say. */
  readonly id: string;
  readonly name: string;
  readonly partition: PartitionData | undefined;
  readonly classMetrics: ClassMetricsData | undefined;
  readonly environment: EnvironmentData | undefined;
  /** The resolved config.toml as it stands. */
  readonly configText: string;
  /** Lines of events.jsonl that could not be read. */
  readonly skippedEvents: number;
}

/** The texts of a run folder; whatever is missing stays out. */
export interface RunTexts {
  readonly id?: string;
  readonly events?: string;
  readonly metrics?: string;
  readonly partition?: string;
  readonly classMetrics?: string;
  readonly environment?: string;
  readonly config?: string;
}

/** Reads the texts of a run folder. Never throws: what cannot be read is left out and counted. */
export function parseRun(texts: RunTexts): RunData {
  return buildRun((texts.events ?? "").split("\n"), texts);
}

function buildRun(lines: Iterable<string | undefined>, texts: Omit<RunTexts, "events">): RunData {
  const passed = { skipped: 0 };
  const events = foldEvents(parseEventLines(lines, passed));
  const history = addMetrics(events, parseMetrics(texts.metrics ?? ""));
  const partition = partitionSchema.safeParse(parseJson(texts.partition ?? ""));
  const metrics = metricsSchema.safeParse(parseJson(texts.classMetrics ?? ""));
  const environment = environmentSchema.safeParse(parseJson(texts.environment ?? ""));
  const id = history.start?.run || texts.id || "run";
  return {
    ...history,
    id,
    name: history.start?.name || id,
    partition: partition.success ? partition.data : undefined,
    classMetrics: metrics.success ? metrics.data : undefined,
    environment: environment.success ? environment.data : undefined,
    configText: texts.config ?? "",
    skippedEvents: passed.skipped,
  };
}

/** Bytes of the other files at most. */
const largest = { metrics: 2 ** 26, partition: 2 ** 24, classMetrics: 2 ** 20, environment: 2 ** 16 };

/**
 * Reads a run folder from disk; missing files are taken as empty.
 *
 * @throws `store/link`, `store/not-a-file`, `store/not-readable`, `store/too-large`
 */
export function readRunFolder(folder: string): RunData {
  const read = (file: string, limit: number) => readPlainSync(join(folder, file), limit)?.toString("utf8") ?? "";
  try {
    const run = buildRun(readLines(join(folder, "events.jsonl")), {
      metrics: read("metrics.csv", largest.metrics),
      partition: read("partition.json", largest.partition),
      classMetrics: read("class-metrics.json", largest.classMetrics),
      environment: read("environment.json", largest.environment),
      config: read("config.toml", largestConfig),
    });
    const id = runIdOf(resolve(folder), run.start?.run ?? "");
    return { ...run, id, name: run.start?.name || id };
  } catch (error) {
    throw readingError(error, { what: "the run", path: folder });
  }
}

/** Rounds that only metrics.csv knows (events lost or removed) join the history, without their timing. */
function addMetrics(history: RunHistory, rows: readonly MetricsRow[]): RunHistory {
  const rounds = new Map(history.rounds.map((round) => [round.round, round]));
  const evaluations = new Map(history.evaluations.map((evaluation) => [evaluation.round, evaluation]));
  for (const row of rows) {
    if (!rounds.has(row.round)) rounds.set(row.round, roundOfMetrics(row));
    if (!evaluations.has(row.round) && Number.isFinite(row.testAccuracy)) {
      evaluations.set(row.round, evaluationOfMetrics(row));
    }
  }
  return { ...history, rounds: byRound(rounds), evaluations: byRound(evaluations) };
}

function roundOfMetrics(row: MetricsRow): RoundFinished {
  return {
    type: "round.finished",
    at: "",
    round: row.round,
    loss: row.loss,
    clients: Number.NaN,
    examples: Number.NaN,
    bytesDown: row.bytesDown,
    bytesUp: row.bytesUp,
    seconds: row.seconds,
    trainSeconds: Number.NaN,
    aggregateSeconds: Number.NaN,
    clientsPerSecond: Number.NaN,
    clientLossMin: Number.NaN,
    clientLossMax: Number.NaN,
    updateNorm: Number.NaN,
  };
}

function evaluationOfMetrics(row: MetricsRow): EvaluationEvent {
  return {
    type: "evaluation",
    at: "",
    round: row.round,
    split: "test",
    loss: row.testLoss,
    accuracy: row.testAccuracy,
    examples: Number.NaN,
    seconds: Number.NaN,
  };
}
