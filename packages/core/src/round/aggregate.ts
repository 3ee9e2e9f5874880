import { fold, type PartialFold, partialFold } from "../aggregation/index.ts";
import type { Exchange } from "../algorithms/algorithm.ts";
import type { Vector } from "../params/vector.ts";
import type { Update } from "../protocol/message.ts";
import { type Drift, DriftMeter } from "./drift.ts";

/** Folds a cohort's updates entry by entry, in cohort order, in O(model) memory. */
export class RoundFold {
  readonly #folds: ReadonlyMap<string, PartialFold>;
  readonly #meters: ReadonlyMap<string, DriftMeter>;
  #drift: Readonly<Record<string, Drift>> = {};
  #examples = 0;
  #steps = 0;
  #weightedSteps = 0;
  #weights = 0;
  #losses: number[] = [];

  constructor({ up, parts }: Exchange) {
    this.#folds = new Map(
      Object.entries(up).map(([name, { layout, aggregation }]) => {
        const partLayouts = parts?.map((part) => part[name]!);
        const whole = partLayouts === undefined;
        return [name, whole ? fold(aggregation, layout.size) : partialFold(aggregation, layout, partLayouts)];
      }),
    );
    const measured = Object.keys(up).filter((name) => up[name]!.drift === true);
    this.#meters = new Map(measured.map((name) => [name, new DriftMeter()]));
  }

  /** Forgets the updates; keeps the memory for the next round. */
  reset(): void {
    for (const running of this.#folds.values()) running.reset();
    for (const meter of this.#meters.values()) meter.reset();
    this.#drift = {};
    this.#examples = 0;
    this.#steps = 0;
    this.#weightedSteps = 0;
    this.#weights = 0;
    this.#losses = [];
  }

  /** Adds updates in the order given. */
  addAll(updates: readonly Update[]): void {
    const weights = updates.map((update) => update.public.weight);
    const parts = updates.map((update) => update.public.part ?? 0);
    for (const [name, running] of this.#folds) {
      running.addAll(
        updates.map((update) => update.vectors[name]!),
        weights,
        parts,
      );
    }
    for (const [name, meter] of this.#meters) meter.add(updates.map((update) => update.vectors[name]!));
    for (const { public: metadata } of updates) {
      this.#examples += metadata.examples;
      this.#steps += metadata.steps;
      this.#weightedSteps += metadata.weight * metadata.steps;
      this.#weights += metadata.weight;
      this.#losses.push(metadata.loss);
    }
  }

  get clients(): number {
    return this.#losses.length;
  }

  /** Local steps of the folded clients together. */
  get steps(): number {
    return this.#steps;
  }

  /** Mean number of local steps. */
  get localSteps(): number {
    return this.#steps / this.#losses.length;
  }

  /** The same with the weights of the updates. */
  get weightedSteps(): number {
    return this.#weightedSteps / this.#weights;
  }

  get examples(): number {
    return this.#examples;
  }

  /** Training losses of the folded clients; null where nothing was folded, as JSON has no NaN. */
  summary(): { loss: number | null; lossMin: number | null; lossMax: number | null } {
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    if (this.#losses.length === 0) return { loss: null, lossMin: null, lossMax: null };
    return {
      loss: mean(this.#losses),
      lossMin: Math.min(...this.#losses),
      lossMax: Math.max(...this.#losses),
    };
  }

  /** The aggregate, one vector an entry, written into vectors made by `make`. */
  result(make: (length: number) => Vector, exchange: Exchange): Record<string, Vector> {
    const out: Record<string, Vector> = {};
    for (const [name, running] of this.#folds) {
      const vector = make(exchange.up[name]!.layout.size);
      running.result(vector);
      out[name] = vector;
    }
    const measured = [...this.#meters].map(([name, meter]) => [name, meter.around(out[name]!)]);
    this.#drift = Object.fromEntries(measured);
    return out;
  }

  /** How far the clients' vectors part in the last result, for those that are to be logged. */
  get drift(): Readonly<Record<string, Drift>> {
    return this.#drift;
  }
}
