import type { RunHistory } from "@anabranch/core";
import { formatBytes, formatPercent, formatSeconds } from "../terminal/format.ts";
import { finiteOr } from "./summary.ts";

/** What a run has cost and what its diagnostics say, by key; only what is known. */
export type Measures = Readonly<Record<string, number>>;

interface Measure {
  readonly head: string;
  /** Of the whole run, or of its last diagnostics; NaN or undefined where it is not known. */
  value(run: RunHistory): number | null | undefined;
  format(value: number): string;
}

const plain = (value: number) => String(Number(value.toPrecision(3)));
const last = (run: RunHistory) => run.diagnostics.at(-1);

/** The value of a vector where one was measured, else that of the first one. */
const first = (values: Readonly<Record<string, number | null>> | undefined) => Object.values(values ?? {})[0];
const variance = (strategy: string) => (run: RunHistory) =>
  Object.values(last(run)?.preconditioners ?? {})[0]?.[strategy];

/** Of accuracies by class on the test set, and of personal models on hold-outs. */
function classMeasure(
  head: string,
  of: "evaluations" | "personal",
  key: "worst" | "head" | "middle" | "tail",
): Measure {
  const value = ({ evaluations, clientEvaluations }: RunHistory) =>
    (of === "evaluations" ? evaluations.at(-1) : clientEvaluations.at(-1)?.personal)?.classes?.[key];
  return { head, value, format: formatPercent };
}

const BY_CLASS: Readonly<Record<string, Measure>> = {
  worstClass: classMeasure("worst class", "evaluations", "worst"),
  headClasses: classMeasure("head classes", "evaluations", "head"),
  middleClasses: classMeasure("middle classes", "evaluations", "middle"),
  tailClasses: classMeasure("tail classes", "evaluations", "tail"),
  personalHeadClasses: classMeasure("head classes, personal", "personal", "head"),
  personalMiddleClasses: classMeasure("middle classes, personal", "personal", "middle"),
  personalTailClasses: classMeasure("tail classes, personal", "personal", "tail"),
};

/** Of tasks that come one after the other, after the last round. */
const BY_TASK: Readonly<Record<string, Measure>> = {
  taskMean: { head: "mean over tasks", value: (run) => run.evaluations.at(-1)?.tasks?.mean, format: formatPercent },
  forgetting: { head: "forgetting", value: (run) => run.evaluations.at(-1)?.tasks?.forgetting, format: formatPercent },
};

/** Where some classes have no labels in training. */
const OPEN_WORLD: Readonly<Record<string, Measure>> = {
  seen: { head: "labelled classes", value: (run) => run.evaluations.at(-1)?.openWorld?.seen, format: formatPercent },
  unseen: {
    head: "clustering of the others",
    value: (run) => run.evaluations.at(-1)?.openWorld?.unseen,
    format: formatPercent,
  },
};

/** All measures, in the order of tables. */
export const MEASURES: Readonly<Record<string, Measure>> = {
  ...BY_TASK,
  ...OPEN_WORLD,
  ...BY_CLASS,
  localWorstDecile: {
    head: "bottom decile of local models",
    value: (run) => run.evaluations.at(-1)?.worstDecile,
    format: formatPercent,
  },
  holdoutMean: { head: "mean on hold-outs", value: (run) => run.clientEvaluations.at(-1)?.mean, format: formatPercent },
  holdoutWorstDecile: {
    head: "bottom decile on hold-outs",
    value: (run) => run.clientEvaluations.at(-1)?.worstDecile,
    format: formatPercent,
  },
  personalMean: {
    head: "mean of personal models",
    value: (run) => run.clientEvaluations.at(-1)?.personal?.mean,
    format: formatPercent,
  },
  personalWorstDecile: {
    head: "bottom decile of personal models",
    value: (run) => run.clientEvaluations.at(-1)?.personal?.worstDecile,
    format: formatPercent,
  },
  adaptedMean: {
    head: "mean of adapted models",
    value: (run) => run.clientEvaluations.at(-1)?.adapted?.mean,
    format: formatPercent,
  },
  adaptedWorstDecile: {
    head: "bottom decile of adapted models",
    value: (run) => run.clientEvaluations.at(-1)?.adapted?.worstDecile,
    format: formatPercent,
  },
  flops: { head: "client FLOPs", value: flopsOf, format: (value) => formatUnits(value, "FLOP") },
  serverFlops: { head: "server FLOPs", value: serverFlopsOf, format: (value) => formatUnits(value, "FLOP") },
  largestMessage: {
    head: "largest message",
    value: (run) => run.rounds.reduce((most, round) => Math.max(most, round.largestMessage ?? Number.NaN), 0),
    format: formatBytes,
  },
  cpuSeconds: {
    head: "client CPU time",
    value: (run) => run.rounds.reduce((sum, round) => sum + (round.cpuSeconds ?? Number.NaN), 0),
    format: formatSeconds,
  },
  joules: { head: "energy", value: joulesOf, format: (value) => formatUnits(value, "J") },
  flatnessDistance: { head: "flatness distance", value: (run) => last(run)?.flatness?.distance, format: plain },
  momentumDistance: {
    head: "distance of the last step",
    value: (run) => last(run)?.flatness?.momentumDistance,
    format: plain,
  },
  localSharpness: { head: "local sharpness", value: (run) => last(run)?.flatness?.localSharpness, format: plain },
  globalSharpness: { head: "global sharpness", value: (run) => last(run)?.flatness?.globalSharpness, format: plain },
  coherence: { head: "coherence", value: (run) => first(last(run)?.coherence), format: plain },
  conditioning: { head: "condition", value: (run) => last(run)?.conditioning, format: plain },
  varianceByCoordinate: { head: "variance by coordinate", value: variance("coordinate"), format: plain },
  varianceByAdamMini: { head: "by adam-mini", value: variance("adam-mini"), format: plain },
  varianceByPaper: { head: "by paper", value: variance("paper"), format: plain },
  varianceByTensor: { head: "by tensor", value: variance("tensor"), format: plain },
  meanNorm: { head: "norm before the clip", value: (run) => last(run)?.clipping?.meanNorm, format: plain },
  compressionRatio: {
    head: "compression of uploads",
    value: (run) => compressionRatio(last(run)?.compression),
    format: (value) => `${value.toPrecision(3)}x`,
  },
  compressionError: {
    head: "error of compression",
    value: (run) => last(run)?.compression?.error,
    format: plain,
  },
  broadcastRatio: {
    head: "compression of broadcasts",
    value: (run) => compressionRatio(last(run)?.broadcastCompression),
    format: (value) => `${value.toPrecision(3)}x`,
  },
  broadcastError: {
    head: "error of broadcasts",
    value: (run) => last(run)?.broadcastCompression?.error,
    format: plain,
  },
  compressionCosine: { head: "cosine of uploads", value: (run) => last(run)?.compression?.cosine, format: plain },
  clippedShare: {
    head: "clients clipped",
    value: (run) => last(run)?.clipping?.clippedShare,
    format: (value) => formatPercent(value, 1),
  },
};

/** Costs are of all rounds, diagnostics of the last time that they were made. */
export function measuresOf(run: RunHistory): Measures {
  const known = Object.entries(MEASURES).map(([key, { value }]) => [key, value(run) ?? Number.NaN] as const);
  return Object.fromEntries(known.filter(([key, value]) => Number.isFinite(value) && (value > 0 || !COSTS.has(key))));
}

/** Measures of the whole run, which are 0 where nothing was counted. */
export const COSTS: ReadonlySet<string> = new Set(["flops", "serverFlops", "largestMessage", "cpuSeconds", "joules"]);

/** Measures of tasks, classes and clients, which reports of one run show apart. */
const APART: ReadonlySet<string> = new Set([
  ...Object.keys(BY_TASK),
  ...Object.keys(OPEN_WORLD),
  ...Object.keys(BY_CLASS),
  "localWorstDecile",
  "holdoutMean",
  "holdoutWorstDecile",
  "personalMean",
  "personalWorstDecile",
  "adaptedMean",
  "adaptedWorstDecile",
]);

/** Costs, or diagnostics, as texts. */
export function measureTexts(measures: Measures, costs: boolean): [head: string, text: string][] {
  return Object.entries(measures)
    .filter(([key]) => COSTS.has(key) === costs && !APART.has(key))
    .map(([key, value]) => [MEASURES[key]!.head, MEASURES[key]!.format(value)]);
}

/** What has to be said of diagnostics of private runs; undefined where none of the runs is one. */
export function coverageNote(runs: readonly RunHistory[]): string | undefined {
  const uncovered = runs.some(({ diagnostics }) => diagnostics.some(({ covered }) => covered === false));
  return uncovered ? "Diagnostics of private runs are not covered by epsilon." : undefined;
}

/** Share of the time in rounds that diagnostics took on top; NaN where none was made. */
export function diagnosticsShare(run: RunHistory): number {
  const total = (values: readonly (number | undefined)[]) =>
    values.reduce<number>((sum, value) => sum + finiteOr(value, 0), 0);
  return total(run.diagnostics.map(({ seconds }) => seconds)) / total(run.rounds.map(({ seconds }) => seconds));
}

/** Bytes as floats over bytes of payloads; NaN where it was not measured. */
export function compressionRatio(measured: RunHistory["diagnostics"][number]["broadcastCompression"]): number {
  return (measured?.plainBytes ?? Number.NaN) / (measured?.bytes ?? Number.NaN);
}

/** FLOPs of the client tasks whose updates were aggregated. */
export function flopsOf({ start, rounds }: RunHistory): number {
  const { flopsPerTask = Number.NaN, flopsPerStep = Number.NaN } = start ?? {};
  return rounds.reduce(
    (sum, { clients, steps = Number.NaN, flops = clients * flopsPerTask + steps * flopsPerStep }) => sum + flops,
    0,
  );
}

/** FLOPs of the server in the steps of these tasks, where the model is split; NaN where it is not. */
function serverFlopsOf({ start, rounds }: RunHistory): number {
  const { serverFlopsPerStep = Number.NaN } = start ?? {};
  return rounds.reduce((sum, { steps = Number.NaN }) => sum + steps * serverFlopsPerStep, 0);
}

/** Of a declared link and device: what only one was declared of counts alone. */
function joulesOf(run: RunHistory): number {
  const { joulesPerByte, joulesPerFlop } = run.start ?? {};
  if (joulesPerByte === undefined && joulesPerFlop === undefined) return Number.NaN;
  const bytes = run.rounds.reduce((sum, { bytesDown, bytesUp }) => sum + bytesDown + bytesUp, 0);
  const ofBytes = joulesPerByte === undefined ? 0 : bytes * joulesPerByte;
  return ofBytes + (joulesPerFlop === undefined ? 0 : flopsOf(run) * joulesPerFlop);
}

function formatUnits(value: number, unit: string): string {
  const prefixes = ["", "k", "M", "G", "T", "P", "E"];
  const power = Math.max(0, Math.min(prefixes.length - 1, Math.floor(Math.log10(value) / 3)));
  return `${plain(value / 1000 ** power)} ${prefixes[power]}${unit}`;
}
