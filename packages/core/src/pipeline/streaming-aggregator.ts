import { fold, type PartialFold, partialFold } from "../aggregation/index.ts";
import type { Payloads } from "../algorithms/algorithm.ts";
import type { Vector } from "../params/vector.ts";
import type { Update } from "../protocol/message.ts";
import type { Aggregator, Traffic } from "./aggregator.ts";
import { CohortMetrics } from "./cohort-metrics.ts";
import { type Drift, DriftMeter } from "./drift.ts";

/** Folds a cohort's updates entry by entry, in cohort order, in O(model) memory. */
export class StreamingAggregator implements Aggregator {
  readonly metrics = new CohortMetrics();
  readonly cost = undefined;
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #folds: ReadonlyMap<string, PartialFold>;
  readonly #meters: ReadonlyMap<string, DriftMeter>;
  #drift: Readonly<Record<string, Drift>> = {};

  constructor({ upload, parts }: Payloads) {
    this.#sizes = new Map(Object.entries(upload).map(([name, { layout }]) => [name, layout.size]));
    this.#folds = new Map(
      Object.entries(upload).map(([name, { layout, aggregation }]) => {
        const partLayouts = parts?.map((part) => part[name]!);
        const whole = partLayouts === undefined;
        return [name, whole ? fold(aggregation, layout.size) : partialFold(aggregation, layout, partLayouts)];
      }),
    );
    const measured = Object.keys(upload).filter((name) => upload[name]!.drift === true);
    this.#meters = new Map(measured.map((name) => [name, new DriftMeter()]));
  }

  /** Keeps the memory of the last round. */
  begin(): void {
    for (const running of this.#folds.values()) running.reset();
    for (const meter of this.#meters.values()) meter.reset();
    this.#drift = {};
    this.metrics.reset();
  }

  addAll(updates: readonly Update[], factors?: readonly number[]): void {
    const weights = updates.map((update) => update.public.weight);
    const parts = updates.map((update) => update.public.part ?? 0);
    for (const [name, running] of this.#folds) {
      running.addAll(
        updates.map((update) => update.vectors[name]!),
        weights,
        factors,
        parts,
      );
    }
    for (const [name, meter] of this.#meters) meter.add(updates.map((update) => update.vectors[name]!));
    for (const [k, update] of updates.entries()) this.metrics.add(update.public, factors?.[k]);
  }

  async finish(): Promise<undefined> {}

  result(make: (length: number) => Vector): Record<string, Vector> {
    const out: Record<string, Vector> = {};
    for (const [name, running] of this.#folds) {
      const vector = make(this.#sizes.get(name)!);
      running.result(vector);
      out[name] = vector;
    }
    const measured = [...this.#meters].map(([name, meter]) => [name, meter.around(out[name]!)]);
    this.#drift = Object.fromEntries(measured);
    return out;
  }

  traffic({ bytesDown, bytesUp }: Traffic): Traffic {
    return { bytesDown, bytesUp };
  }

  get drift(): Readonly<Record<string, Drift>> {
    return this.#drift;
  }
}
