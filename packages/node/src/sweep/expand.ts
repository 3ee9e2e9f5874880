import { dirname, isAbsolute, join, relative } from "node:path";
import { type Config, configHash } from "@anabranch/core";
import { mapPathValue } from "../run/config-paths.ts";
import { type Problem, problemOf, sweepError } from "./problems.ts";
import type { SweepSpec, VariantSpec } from "./sweep-file.ts";
import { assignmentsOf, combinations, type Values } from "./values.ts";

/** One run of a sweep. */
export interface PlannedRun {
  readonly variant: string;
  /** Whether the run only serves to choose values. */
  readonly tuning: boolean;
  readonly seed: number;
  /** Values of the grid and of the tuning. */
  readonly values: Values;
  /** What the base configuration is overridden with, as `--set` takes it. */
  readonly assignments: readonly string[];
  readonly config: Config;
  /** The same for runs that compute the same. */
  readonly identity: string;
}

/** A choice of values for a variant, made once and used by one case or several. */
export interface Tuning {
  readonly variant: string;
  /** Grid values at which it is done. */
  readonly at: Values;
  /** One run for each choice, in the same order. */
  readonly choices: readonly Values[];
  readonly candidates: readonly PlannedRun[];
}

/** One row of the result: runs that differ only in the seed. */
export interface SweepCase {
  readonly variant: string;
  readonly grid: Values;
  readonly seeds: readonly number[];
  /** Place in `tunings`; undefined where nothing is tuned. */
  readonly tuning: number | undefined;
  run(seed: number, tuned: Values): PlannedRun;
}

/** Everything a sweep may run. Tunings come first, then the cases, seed by seed. */
export interface Sweep {
  readonly spec: SweepSpec;
  readonly tunings: readonly Tuning[];
  readonly cases: readonly SweepCase[];
}

/** The base configuration with assignments; throws what is wrong with them. */
export type ResolveConfig = (assignments: readonly string[]) => Config;

/** Identity of what a run computes: its configuration without the name, and the weights it starts from. */
export function runIdentity(config: Config): string {
  return `${configHash(config)} ${config.model.initialWeights ?? ""}`.trim();
}

/**
 * All runs of a sweep: variants in the order of the file, each over its grid and the seeds.
 *
 * @throws `config/sweep` with every configuration that is refused; a single one keeps its own code
 */
export function expandSweep(spec: SweepSpec, resolve: ResolveConfig, where: string): Sweep {
  const expansion = new Expansion(spec, resolve, dirname(where));
  const variants = spec.variants ?? [expansion.baseVariant()];
  for (const variant of variants) expansion.add(variant);
  if (expansion.problems.length > 0) throw sweepError(expansion.problems, where);
  return { spec, tunings: expansion.tunings, cases: expansion.cases };
}

/** The choices of a case: those of its tuning, or the one without values. */
export function choicesOf(sweep: Sweep, { tuning }: SweepCase): readonly Values[] {
  return tuning === undefined ? [{}] : sweep.tunings[tuning]!.choices;
}

/** Every run that the sweep may come to: those of its tunings, and each case with each choice and seed. */
export function everyRun(sweep: Sweep): PlannedRun[] {
  return [
    ...sweep.tunings.flatMap(({ candidates }) => candidates),
    ...sweep.cases.flatMap((one) =>
      one.seeds.flatMap((seed) => choicesOf(sweep, one).map((choice) => one.run(seed, choice))),
    ),
  ];
}

class Expansion {
  readonly tunings: Tuning[] = [];
  readonly cases: SweepCase[] = [];
  readonly problems: Problem[] = [];
  readonly #spec: SweepSpec;
  readonly #resolve: ResolveConfig;
  /** Folder of the sweep file. */
  readonly #folder: string;
  /** The base configuration's name and seed, where the sweep does not give them. */
  readonly #base: Config;

  constructor(spec: SweepSpec, resolve: ResolveConfig, folder: string) {
    this.#spec = spec;
    this.#resolve = resolve;
    this.#folder = folder;
    this.#base = resolve([]);
  }

  /** A sweep without variants is one of the base alone. */
  baseVariant(): VariantSpec {
    const { grid, tune } = this.#spec;
    return { name: this.#base.name, set: {}, grid, tune: tune?.grid ?? {} };
  }

  add(variant: VariantSpec): void {
    const seeds = this.#spec.seeds ?? [this.#base.seed];
    const places = new Map<string, number>();
    for (const grid of combinations(variant.grid)) {
      const tuning = this.#spec.tune === undefined ? undefined : this.#tuningFor(variant, grid, places, seeds[0]!);
      const run = (seed: number, tuned: Values) => this.#plan(variant, { ...grid, ...tuned }, seed);
      const added = { variant: variant.name, grid, seeds, tuning, run };
      this.cases.push(added);
      // a seed decides on nothing that a configuration is refused for
      const choices = tuning === undefined ? [{}] : this.tunings[tuning]!.choices;
      for (const tuned of choices) this.#try(variant, () => run(seeds[0]!, tuned));
    }
  }

  /** The place of the tuning that serves a grid point; made where no earlier point has the same one. */
  #tuningFor(variant: VariantSpec, grid: Values, places: Map<string, number>, firstSeed: number): number {
    const { at: fixed, seed = firstSeed, rounds } = this.#spec.tune!;
    const at = Object.fromEntries(Object.entries(grid).map(([key, value]) => [key, fixed[key] ?? value]));
    const key = JSON.stringify(at);
    const known = places.get(key);
    if (known !== undefined) return known;
    const choices = combinations(variant.tune);
    const candidates = choices.flatMap((choice) => {
      const values = { ...at, ...choice };
      return this.#try(variant, () => this.#plan(variant, values, seed, { rounds })) ?? [];
    });
    places.set(key, this.tunings.length);
    this.tunings.push({ variant: variant.name, at, choices, candidates });
    return this.tunings.length - 1;
  }

  #plan(variant: VariantSpec, values: Values, seed: number, tune?: { rounds: number | undefined }): PlannedRun {
    const set = this.#fromHere({ ...this.#spec.set, ...variant.set, ...values, seed });
    const name = tune === undefined ? variant.name : `${variant.name}-tuning`;
    const whole = assignmentsOf({ name, ...set });
    const planned = (assignments: readonly string[]) => {
      const config = this.#resolve(assignments);
      const identity = runIdentity(config);
      return { variant: variant.name, tuning: tune !== undefined, seed, values, assignments, config, identity };
    };
    if (tune === undefined) return planned(whole);
    const rounds = tune.rounds ?? Math.ceil(this.#resolve(whole).rounds / 3);
    return planned(assignmentsOf({ name, ...set, rounds }));
  }

  /** The values with their paths from the working directory, as `--set` takes them, instead of from the sweep file. */
  #fromHere(values: Values): Values {
    const fromHere = (path: string) => (isAbsolute(path) ? path : relative(".", join(this.#folder, path)) || ".");
    return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, mapPathValue(key, value, fromHere)]));
  }

  #try(variant: VariantSpec, plan: () => PlannedRun): PlannedRun | undefined {
    try {
      return plan();
    } catch (error) {
      const problem = problemOf(error, `variant "${variant.name}"`);
      const text = JSON.stringify(problem); // what is wrong with a variant is wrong at every point of its grid
      if (!this.problems.some((known) => JSON.stringify(known) === text)) this.problems.push(problem);
      return undefined;
    }
  }
}
