import type { RunEvent } from "@anabranch/core";
import type { SessionOptions } from "../run/session.ts";
import { executeRun, type Outcome, withoutRun } from "./execute-run.ts";
import { choicesOf, type PlannedRun, type Sweep, type SweepCase, type Tuning } from "./expand.ts";
import type { FoundRun } from "./found-runs.ts";
import { Remaining } from "./remaining.ts";
import { bestOf, scoreOf } from "./tuning.ts";
import type { Values } from "./values.ts";

export interface SweepOptions extends Omit<SessionOptions, "onEvent"> {
  /** Runs at a time. */
  readonly jobs: number;
  /** Runs that are there already, by identity. */
  readonly found: ReadonlyMap<string, FoundRun>;
  onOutcome?(outcome: Outcome, progress: Progress): void;
  onEvent?(planned: PlannedRun, event: RunEvent): void;
}

export interface Progress {
  /** Runs that have ended, this one included. */
  readonly done: number;
  readonly total: number;
  /** NaN where nothing was measured yet. */
  readonly remainingSeconds: number;
}

/** What a tuning chose, and by which scores. */
export interface TuningResult {
  readonly tuning: Tuning;
  readonly outcomes: readonly Outcome[];
  /** By candidate; undefined for those that lost by divergence or failure. */
  readonly scores: readonly (number | undefined)[];
  /** Undefined where every candidate lost. */
  readonly chosen: Values | undefined;
}

/** The runs of one row. */
export interface CaseResult {
  readonly case: SweepCase;
  readonly tuned: Values | undefined;
  readonly outcomes: readonly Outcome[];
}

export interface SweepResult {
  readonly tunings: readonly TuningResult[];
  readonly cases: readonly CaseResult[];
  readonly interrupted: boolean;
}

/**
 * Executes a sweep: the tunings, then the chosen cases, the first seed of all before the second. Runs that are
 * complete are only looked at, unfinished ones go on. A run that fails or diverges does not stop the others.
 */
export async function executeSweep(sweep: Sweep, options: SweepOptions): Promise<SweepResult> {
  const runner = new Runner(sweep, options);
  const tried = await runner.all(sweep.tunings.flatMap(({ candidates }) => candidates));
  const tunings = sweep.tunings.map((tuning) => choose(tuning, tried, sweep.spec.tune!.metric));
  const interrupted = () => options.signal?.aborted === true;
  if (interrupted()) return { tunings, cases: [], interrupted: true };
  const tunedOf = ({ tuning }: SweepCase) => (tuning === undefined ? {} : tunings[tuning]!.chosen);
  const planned = bySeed(sweep).flatMap(({ one, seed }) => {
    const tuned = tunedOf(one);
    if (tuned !== undefined) return [one.run(seed, tuned)];
    runner.skip(one.run(seed, choicesOf(sweep, one)[0]!));
    return [];
  });
  const done = await runner.all(planned);
  const cases = sweep.cases.map((one) => {
    const tuned = tunedOf(one);
    const runs = tuned === undefined ? [] : one.seeds.map((seed) => one.run(seed, tuned));
    return { case: one, tuned, outcomes: runs.flatMap((run) => outcomeFor(run, done) ?? []) };
  });
  return { tunings, cases, interrupted: interrupted() };
}

/** The cases with their seeds: the first seed of all cases, then the second. */
function bySeed(sweep: Sweep): { one: SweepCase; seed: number }[] {
  const seeds = sweep.cases[0]?.seeds ?? [];
  return seeds.flatMap((seed) => sweep.cases.map((one) => ({ one, seed })));
}

/** By identity. */
type Outcomes = ReadonlyMap<string, Outcome>;

/** The outcome of a run; one that was executed for another variant, which computes the same, under its own name. */
function outcomeFor(planned: PlannedRun, outcomes: Outcomes): Outcome | undefined {
  const outcome = outcomes.get(planned.identity);
  return outcome && { ...outcome, planned };
}

function choose(tuning: Tuning, outcomes: Outcomes, metric: Parameters<typeof scoreOf>[2]): TuningResult {
  const runs = tuning.candidates.flatMap((candidate) => outcomeFor(candidate, outcomes) ?? []);
  const found = tuning.candidates.map(({ identity }) => outcomes.get(identity));
  const scores = found.map((outcome) => outcome && scoreOf(outcome.end, outcome.data, metric));
  const best = bestOf(
    scores,
    found.map((outcome) => outcome?.data),
  );
  return { tuning, outcomes: runs, scores, chosen: best === undefined ? undefined : tuning.choices[best] };
}

class Runner {
  readonly #options: SweepOptions;
  readonly #remaining: Remaining;
  readonly #total: number;
  /** What is there already; grows with the sweep, as a tuning run may be one of the cases. */
  readonly #found: Map<string, FoundRun>;
  #done = 0;

  constructor(sweep: Sweep, options: SweepOptions) {
    this.#options = options;
    this.#found = new Map(options.found);
    const planned = [
      ...sweep.tunings.flatMap(({ candidates }) => candidates),
      ...bySeed(sweep).map(({ one, seed }) => one.run(seed, choicesOf(sweep, one)[0]!)),
    ];
    const work = planned.map(({ variant, config }) => ({ variant, rounds: config.rounds }));
    this.#remaining = new Remaining(work, options.jobs);
    this.#total = planned.length;
  }

  /** Executes runs, some at a time, in their order. Runs that compute the same are executed once. */
  async all(runs: readonly PlannedRun[]): Promise<Map<string, Outcome>> {
    const outcomes = new Map<string, Outcome>();
    const waiting = [...Map.groupBy(runs, ({ identity }) => identity).values()];
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        if (this.#options.signal?.aborted === true) return;
        const [first, ...same] = next;
        const outcome = await this.#execute(first!);
        const { identity } = first!;
        outcomes.set(identity, outcome);
        const { folder, end } = outcome;
        const complete = end === "finished" || end === "diverged";
        if (folder !== undefined) this.#found.set(identity, { folder, complete });
        this.#announce(outcome);
        for (const planned of same) this.#announce({ ...outcome, planned, source: "before", seconds: 0, rounds: 0 });
      }
    };
    await Promise.all(Array.from({ length: this.#options.jobs }, work));
    return outcomes;
  }

  /** Announces a run for which the tuning has found no value. */
  skip(planned: PlannedRun): void {
    this.#announce(withoutRun(planned, "every value of the tuning diverged or failed"));
  }

  #execute(planned: PlannedRun): Promise<Outcome> {
    const { found: _, onEvent, onOutcome: __, jobs: ___, ...session } = this.#options;
    return executeRun(planned, this.#found.get(planned.identity), {
      ...session,
      onEvent: (event) => onEvent?.(planned, event),
    });
  }

  #announce(outcome: Outcome): void {
    const { variant, config } = outcome.planned;
    this.#done++;
    this.#remaining.done({ variant, rounds: config.rounds }, outcome.seconds, outcome.rounds);
    const remainingSeconds = this.#remaining.seconds;
    this.#options.onOutcome?.(outcome, { done: this.#done, total: this.#total, remainingSeconds });
  }
}
