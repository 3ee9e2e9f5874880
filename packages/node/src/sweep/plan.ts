import { readRunFolder } from "../report/run-data.ts";
import { classifyEnd } from "../report/run-end.ts";
import { choicesOf, type PlannedRun, type Sweep, type SweepCase, type Tuning } from "./expand.ts";
import type { FoundRun } from "./found-runs.ts";
import { type Cost, measureCost, projectSeconds } from "./measure.ts";
import type { TuningMetric } from "./sweep-file.ts";
import { bestOf, scoreOf } from "./tuning.ts";
import type { Values } from "./values.ts";

/** What is to be done for one variant. */
export interface VariantPlan {
  readonly variant: string;
  readonly runs: number;
  readonly tuningRuns: number;
  /** Runs that are complete already. Before a tuning is complete, only its own runs can be. */
  readonly complete: number;
  readonly cost: Cost;
  /** Projected seconds of what is left. */
  readonly seconds: number;
}

export interface SweepPlan {
  readonly jobs: number;
  readonly variants: readonly VariantPlan[];
  /** Projected seconds of everything that is left. */
  readonly seconds: number;
}

export interface PlanOptions {
  readonly jobs: number;
  readonly workers?: number;
  readonly dataDir?: string;
  readonly found: ReadonlyMap<string, FoundRun>;
}

/**
 * Measures each variant once, at the first point of its grid, and projects what the sweep takes: the runs' rounds and
 * evaluations at that pace, divided by the runs at a time.
 */
export async function planSweep(sweep: Sweep, options: PlanOptions): Promise<SweepPlan> {
  const { jobs, found, ...simulation } = options;
  const variants: VariantPlan[] = [];
  for (const variant of new Set(sweep.cases.map((one) => one.variant))) {
    const { runs, tuningRuns } = runsOf(sweep, variant, found);
    const cost = await measureCost(runs[0]!.config, simulation);
    const left = [...tuningRuns, ...runs].filter(({ identity }) => found.get(identity)?.complete !== true);
    variants.push({
      variant,
      runs: runs.length,
      tuningRuns: tuningRuns.length,
      complete: runs.length + tuningRuns.length - left.length,
      cost,
      seconds: left.reduce((sum, { config }) => sum + projectSeconds(cost, config), 0) / jobs,
    });
  }
  return { jobs, variants, seconds: variants.reduce((sum, { seconds }) => sum + seconds, 0) };
}

type Found = PlanOptions["found"];

/** The runs of a variant; with the first choice of a tuning as long as it has not chosen, which costs the same time. */
function runsOf(sweep: Sweep, variant: string, found: Found): { runs: PlannedRun[]; tuningRuns: PlannedRun[] } {
  const cases = sweep.cases.filter((one) => one.variant === variant);
  const tunedOf = (one: SweepCase) => {
    const tuning = one.tuning === undefined ? undefined : sweep.tunings[one.tuning]!;
    return (tuning && chosenBefore(tuning, found, sweep.spec.tune!.metric)) ?? choicesOf(sweep, one)[0]!;
  };
  return {
    runs: cases.flatMap((one) => one.seeds.map((seed) => one.run(seed, tunedOf(one)))),
    tuningRuns: sweep.tunings.filter((tuning) => tuning.variant === variant).flatMap(({ candidates }) => candidates),
  };
}

/** What a tuning has chosen, where all its runs are complete. */
function chosenBefore({ candidates, choices }: Tuning, found: Found, metric: TuningMetric): Values | undefined {
  const folders = candidates.map(({ identity }) => found.get(identity));
  if (!folders.every((one) => one?.complete === true)) return undefined;
  const runs = folders.map((one) => readRunFolder(one!.folder));
  const scores = runs.map((run) => scoreOf(classifyEnd(run), run, metric));
  const best = bestOf(scores, runs);
  return best === undefined ? undefined : choices[best];
}
