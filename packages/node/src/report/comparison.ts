import { largest, smallest } from "@anabranch/engine";
import { measuresOf } from "./measures.ts";
import { type PairedDifference, pairedDifference } from "./paired-difference.ts";
import { type Quality, qualityOf } from "./quality.ts";
import type { RunData } from "./run-data.ts";
import { classifyEnd } from "./run-end.ts";
import { bestEvaluation, bestQuality, firstReaching, gradientsBy, recentQuality, summarise } from "./summary.ts";

/** Runs that differ only in the seed. */
export interface RunGroup {
  /** What is compared: a variant, or a configuration apart from its data. It has one colour in all charts. */
  readonly method: string;
  /** What it was tried on, such as `alpha 0.1`. Only groups of one setting are compared. Empty where all share one. */
  readonly setting: string;
  readonly runs: readonly RunData[];
}

/** Mean and sample standard deviation (divisor n - 1) over the runs that have the figure; null where none or one has it. */
export interface Spread {
  readonly mean: number | null;
  readonly deviation: number | null;
  readonly n: number;
}

/** What reaching the row's target cost: means over the runs that reach it; null where none does or nobody counted. */
export interface ToTarget {
  /** Runs that reach it. */
  readonly reached: number;
  readonly rounds: number | null;
  readonly bytesUp: number | null;
  /** Gradients of a mini-batch, over all clients. */
  readonly gradients: number | null;
  /** Simulated time, with [devices]. */
  readonly simulatedSeconds: number | null;
}

/** Root mean squared errors in units of the target, and the share of the variance that is explained. */
export interface ErrorSpreads {
  readonly rmse: Spread;
  /** Mean of the last three evaluations. */
  readonly recentRmse: Spread;
  /** The lowest. */
  readonly bestRmse: Spread;
  readonly r2: Spread;
}

export interface ComparisonRow {
  /** Method and setting. */
  readonly label: string;
  readonly method: string;
  readonly setting: string;
  readonly algorithm: string;
  readonly seeds: readonly number[];
  /** At the last evaluation. */
  readonly accuracy: Spread;
  /** Mean of the last three evaluations. */
  readonly recentAccuracy: Spread;
  readonly bestAccuracy: Spread;
  /** Of runs that predict numbers, which have no accuracies; absent in comparisons by accuracy. */
  readonly error?: ErrorSpreads;
  /** Time in rounds. */
  readonly seconds: Spread;
  /** Costs and last diagnostics that are known, see `measures.ts`; results of earlier versions have none. */
  readonly measures?: Readonly<Record<string, Spread>>;
  /** The accuracy (or error) less that of the first method of the same setting, paired by seed; null for that method. */
  readonly difference: PairedDifference | null;
  /** The accuracy (or error) that is to be reached in this setting; null where it is not known. */
  readonly target: number | null;
  readonly toTarget: ToTarget;
}

export interface Comparison {
  /** What targets and differences are of: `rmse` where every run predicts numbers. */
  readonly metric: Quality["metric"];
  /** The target of all rows; null where they have several or none. */
  readonly target: number | null;
  /** The round at which accuracies are taken; null: the last one. */
  readonly atRound: number | null;
  readonly rows: readonly ComparisonRow[];
}

export interface ComparisonOptions {
  readonly target?: number | undefined;
  readonly atRound?: number | undefined;
}

/**
 * The metrics of groups of runs beside each other. Without a target, that of each setting is the best accuracy
 * (or, of runs that predict numbers, the lowest error) that every run of the setting reaches.
 */
export function compareGroups(groups: readonly RunGroup[], options: ComparisonOptions = {}): Comparison {
  const quality = qualityOf(groups.flatMap(({ runs }) => runs));
  const settings = Map.groupBy(groups, ({ setting }) => setting);
  const targets = new Map(
    [...settings].map(([setting, same]) => [
      setting,
      options.target ?? commonTarget(same.flatMap(({ runs }) => runs)) ?? null,
    ]),
  );
  const rows = groups.map((group) => {
    const first = settings.get(group.setting)![0]!;
    const baseline = first === group ? undefined : first;
    return comparisonRow(group, baseline, targets.get(group.setting)!, options, quality);
  });
  const distinct = new Set(targets.values());
  const target = distinct.size === 1 ? [...distinct][0]! : null;
  return { metric: quality.metric, target, atRound: options.atRound ?? null, rows };
}

/** Method and setting as one text. */
export function groupLabel({ method, setting }: Pick<RunGroup, "method" | "setting">): string {
  return setting === "" ? method : `${method}, ${setting}`;
}

function comparisonRow(
  group: RunGroup,
  first: RunGroup | undefined,
  target: number | null,
  { atRound }: ComparisonOptions,
  quality: Quality,
): ComparisonRow {
  const { method, setting, runs } = group;
  const cut = runs.map((run) => evaluationsUntil(run, atRound));
  const bySeed = ({ runs: of }: RunGroup) => valuesBySeed(of, atRound, quality);
  return {
    label: groupLabel(group),
    method,
    setting,
    algorithm: runs[0]?.start?.algorithm ?? "",
    seeds: runs.map((run) => run.start?.seed ?? Number.NaN),
    accuracy: spread(cut.map(({ evaluations }) => evaluations.at(-1)?.accuracy ?? Number.NaN)),
    recentAccuracy: spread(cut.map((run) => recentQuality(run))),
    bestAccuracy: spread(cut.map((run) => bestEvaluation(run).accuracy)),
    ...(quality.metric === "rmse" && { error: errorSpreads(cut, quality) }),
    seconds: spread(runs.map((run) => summarise(run).seconds)),
    measures: spreadsOf(runs.map(measuresOf)),
    difference: first === undefined ? null : pairedDifference(bySeed(group), bySeed(first)),
    target,
    toTarget: costOf(runs, target ?? undefined, quality),
  };
}

function errorSpreads(runs: readonly Pick<RunData, "evaluations">[], quality: Quality): ErrorSpreads {
  return {
    rmse: spread(runs.map(({ evaluations }) => evaluations.at(-1)?.rmse ?? Number.NaN)),
    recentRmse: spread(runs.map((run) => recentQuality(run, quality))),
    bestRmse: spread(runs.map((run) => bestQuality(run, quality).value)),
    r2: spread(runs.map(({ evaluations }) => evaluations.at(-1)?.r2 ?? Number.NaN)),
  };
}

/** The accuracy or error at the last evaluation, up to a round where one is given. */
function valuesBySeed(runs: readonly RunData[], atRound: number | undefined, quality: Quality): Map<number, number> {
  return new Map(
    runs.map((run) => {
      const last = evaluationsUntil(run, atRound).evaluations.at(-1);
      return [run.start?.seed ?? Number.NaN, last === undefined ? Number.NaN : quality.of(last)];
    }),
  );
}

/**
 * The accuracy that every run reaches at its best, cut to a tenth of a percent so that it reads as it is; of runs that
 * predict numbers the error, rounded up to three digits. Runs that diverged or failed, or have no evaluations, do not
 * count.
 */
export function commonTarget(runs: readonly RunData[]): number | undefined {
  const sound = runs.filter((run) => !["diverged", "failed"].includes(classifyEnd(run)));
  const quality = qualityOf(runs);
  const best = sound
    .map((run) => (quality.metric === "rmse" ? bestQuality(run, quality).value : summarise(run).bestAccuracy))
    .filter(Number.isFinite);
  if (best.length === 0) return undefined;
  return quality.roundTarget(quality.metric === "rmse" ? largest(best) : smallest(best));
}

/** The evaluations up to a round; none for a run that has not come so far. */
export function evaluationsUntil(
  { evaluations, rounds }: RunData,
  round: number | undefined,
): Pick<RunData, "evaluations"> {
  if (round === undefined) return { evaluations };
  const came = (rounds.at(-1)?.round ?? 0) >= round;
  return { evaluations: came ? evaluations.filter((evaluation) => evaluation.round <= round) : [] };
}

/** Mean and sample standard deviation of the finite values. */
export function spread(values: readonly number[]): Spread {
  const known = values.filter(Number.isFinite);
  const n = known.length;
  const mean = meanOf(known);
  if (mean === null || n === 1) return { mean, deviation: null, n };
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (n - 1)), n };
}

function costOf(runs: readonly RunData[], target: number | undefined, quality: Quality): ToTarget {
  const reached = runs.flatMap((run) => {
    const point = target === undefined ? undefined : firstReaching(run, target, quality);
    return point === undefined ? [] : [{ ...point, gradients: gradientsBy(run)(point.round) }];
  });
  const mean = (key: "round" | "bytesUp" | "gradients" | "simulatedSeconds") => {
    const value = meanOf(reached.map((point) => point[key]));
    return value === null || Number.isFinite(value) ? value : null;
  };
  return {
    reached: reached.length,
    rounds: mean("round"),
    bytesUp: mean("bytesUp"),
    gradients: mean("gradients"),
    simulatedSeconds: mean("simulatedSeconds"),
  };
}

function spreadsOf(measures: readonly Readonly<Record<string, number>>[]): Record<string, Spread> {
  const keys = new Set(measures.flatMap((of) => Object.keys(of)));
  return Object.fromEntries([...keys].map((key) => [key, spread(measures.map((of) => of[key] ?? Number.NaN))]));
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
