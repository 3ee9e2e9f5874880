import { parseToml } from "@anabranch/core";
import type { RunData } from "../report/run-data.ts";
import { classifyEnd } from "../report/run-end.ts";
import { bestEvaluation } from "../report/summary.ts";

/** One value of a metric. */
export interface Point {
  /** 1-based. */
  readonly round: number;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly value: number;
}

/** A metric over the rounds of a run; rounds ascend and values are finite. */
export interface Series {
  /** Such as "test/accuracy". */
  readonly name: string;
  readonly points: readonly Point[];
}

/** A run as loggers of other programs see it. */
export interface RunSeries {
  readonly id: string;
  readonly name: string;
  readonly algorithm: string;
  /** Unix times in milliseconds of the first and the last event. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly end: ReturnType<typeof classifyEnd>;
  /** The keys of the configuration, such as "training.learningRate", in its order. */
  readonly params: readonly (readonly [key: string, value: string])[];
  readonly tags: readonly (readonly [key: string, value: string])[];
  readonly series: readonly Series[];
}

type Value = number | null | undefined;
type Measured<E> = readonly [name: string, value: (event: E) => Value];

const ROUNDS: readonly Measured<RunData["rounds"][number]>[] = [
  ["train/loss", ({ loss }) => loss],
  ["train/clients", ({ clients }) => clients],
  ["train/update_norm", ({ updateNorm }) => updateNorm],
  ["bytes/down", ({ bytesDown }) => bytesDown],
  ["bytes/up", ({ bytesUp }) => bytesUp],
  ["time/round_seconds", ({ seconds }) => seconds],
  ["time/simulated_seconds", ({ simulatedSeconds }) => simulatedSeconds],
  ["train/staleness", ({ staleness }) => staleness?.mean],
  ["privacy/epsilon", ({ privacy }) => privacy?.epsilon],
];

const EVALUATIONS: readonly Measured<RunData["evaluations"][number]>[] = [
  ["test/loss", ({ loss }) => loss],
  ["test/accuracy", ({ accuracy }) => accuracy],
  ["test/rmse", ({ rmse }) => rmse],
  ["test/r2", ({ r2 }) => r2],
  ["test/bottom_decile", ({ worstDecile }) => worstDecile],
  ["test/task_mean", ({ tasks }) => tasks?.mean],
  ["test/forgetting", ({ tasks }) => tasks?.forgetting],
  ["test/seen", ({ openWorld }) => openWorld?.seen],
  ["test/unseen", ({ openWorld }) => openWorld?.unseen],
  ["test/worst_class", ({ classes }) => classes?.worst],
  ["test/head", ({ classes }) => classes?.head],
  ["test/middle", ({ classes }) => classes?.middle],
  ["test/tail", ({ classes }) => classes?.tail],
];

const CLIENTS: readonly Measured<RunData["clientEvaluations"][number]>[] = [
  ["clients/mean", ({ mean }) => mean],
  ["clients/bottom_decile", ({ worstDecile }) => worstDecile],
  ["clients/best", ({ best }) => best],
];

/** What a run has measured, by metric; metrics without a value are left out. */
export function runSeries(run: RunData): RunSeries {
  const { start, rounds, evaluations, clientEvaluations, diagnostics } = run;
  const times = [start, ...rounds, ...evaluations, run.stopped, run.finished].flatMap((event) => timeOf(event?.at));
  const best = bestEvaluation(run);
  return {
    id: run.id,
    name: run.name,
    algorithm: start?.algorithm ?? "",
    startedAt: times.reduce((a, b) => Math.min(a, b), times[0] ?? 0),
    endedAt: times.reduce((a, b) => Math.max(a, b), 0),
    end: classifyEnd(run),
    params: paramsOf(run.configText),
    tags: [
      ["anabranch.run", run.id],
      ["anabranch.version", start?.packageVersion ?? ""],
      ["anabranch.algorithm", start?.algorithm ?? ""],
      ["anabranch.model_hash", run.finished?.modelHash ?? ""],
      ["anabranch.best_round", Number.isFinite(best.round) ? String(best.round) : ""],
    ].flatMap(([key, value]) => (value === "" ? [] : [[key!, value!] as const])),
    series: [
      ...seriesOf(rounds, ROUNDS),
      ...seriesOf(evaluations, EVALUATIONS),
      ...seriesOf(clientEvaluations, CLIENTS),
      ...seriesOf(diagnostics, numbersIn(diagnostics)),
    ].filter(({ points }) => points.length > 0),
  };
}

interface Timed {
  readonly round: number;
  readonly at: string;
}

function seriesOf<E extends Timed>(events: readonly E[], measured: readonly Measured<E>[]): Series[] {
  return measured.map(([name, value]) => ({
    name,
    points: events.flatMap((event) => {
      const [at] = timeOf(event.at);
      const number = value(event);
      return at === undefined || number == null || !Number.isFinite(number)
        ? []
        : [{ round: event.round, at, value: number }];
    }),
  }));
}

/** Every number in diagnostics, named by its path. */
function numbersIn<E extends Timed>(events: readonly E[]): Measured<E>[] {
  const paths = new Map<string, readonly string[]>();
  for (const event of events) for (const path of pathsOf(event)) paths.set(path.join("."), path);
  const wanted = [...paths.values()].filter(([first]) => first !== "round" && first !== "seconds");
  return wanted.map((path) => [`diagnostics/${path.join("/")}`, (event) => numberAt(event, path)] as const);
}

function pathsOf(value: unknown): (readonly string[])[] {
  if (typeof value === "number") return [[]];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => pathsOf(inner).map((path) => [key, ...path]));
}

function numberAt(value: unknown, path: readonly string[]): number | undefined {
  const at = path.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
  return typeof at === "number" ? at : undefined;
}

function timeOf(text: string | undefined): number[] {
  const time = Date.parse(text ?? "");
  return Number.isFinite(time) ? [time] : [];
}

/** Keys and values of a configuration; none where it cannot be read. */
function paramsOf(text: string): [string, string][] {
  try {
    return leavesOf(parseToml(text, "config.toml"));
  } catch {
    return [];
  }
}

function leavesOf(table: unknown): [string, string][] {
  return Object.entries(table as Record<string, unknown>).flatMap(([key, value]): [string, string][] => {
    const isTable = typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
    if (isTable) return leavesOf(value).map(([inner, text]) => [`${key}.${inner}`, text]);
    return [[key, typeof value === "string" ? value : JSON.stringify(value)]];
  });
}
