import { fold, type PartialFold, partialFold, type Stack, slicedFold, stack } from "../aggregation/index.ts";
import type { Payloads } from "../algorithms/algorithm.ts";
import { type CohortMeasurements, CohortMeters, NOTHING_MEASURED } from "../metrics/cohort-meters.ts";
import type { DiagnosticsSettings } from "../metrics/settings.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { Update } from "../protocol/message.ts";
import type { Aggregator, Traffic } from "./aggregator.ts";
import { CohortMetrics } from "./cohort-metrics.ts";

/** Folds a cohort's updates entry by entry, in cohort order, in O(model) memory. */
export class StreamingAggregator implements Aggregator {
  readonly metrics = new CohortMetrics();
  readonly cost = undefined;
  readonly #sizes: ReadonlyMap<string, number>;
  /** Those of uploads that are kept side by side. */
  readonly #stacks = new Map<string, Stack>();
  #clients: number[] = [];
  #weights: number[] = [];
  #losses: number[] = [];
  readonly #folds: ReadonlyMap<string, PartialFold>;
  readonly #meters: CohortMeters;
  #round = 0;
  #measured = NOTHING_MEASURED;

  /** @param model the layout of the parameters; with `diagnostics`, what is measured of the updates */
  constructor(payloads: Payloads, model?: Layout, diagnostics?: DiagnosticsSettings) {
    const { upload, parts, places } = payloads;
    this.#sizes = new Map(Object.entries(upload).map(([name, { layout }]) => [name, layout.size]));
    this.#folds = new Map(
      Object.entries(upload).map(([name, { layout, aggregation }]) => {
        const partLayouts = parts?.map((part) => part[name]!);
        const placesOf = places && ((part: number) => places(part, this.#round, name));
        if (aggregation === "each") {
          const kept = stack(layout.size, placesOf ?? placesIn(layout, partLayouts));
          this.#stacks.set(name, kept);
          return [name, kept];
        }
        if (placesOf !== undefined) return [name, slicedFold(aggregation, layout.size, placesOf)];
        const whole = partLayouts === undefined;
        return [name, whole ? fold(aggregation, layout.size) : partialFold(aggregation, layout, partLayouts)];
      }),
    );
    this.#meters = new CohortMeters(payloads, model, diagnostics);
  }

  /** Keeps the memory of the last round. */
  begin(round = 0): void {
    this.#round = round;
    for (const running of this.#folds.values()) running.reset();
    this.#meters.reset();
    this.#measured = NOTHING_MEASURED;
    this.metrics.reset();
    this.#clients = [];
    this.#weights = [];
    this.#losses = [];
  }

  get clients(): readonly number[] | undefined {
    return this.#stacks.size === 0 ? undefined : this.#clients;
  }

  get weights(): readonly number[] | undefined {
    return this.#stacks.size === 0 ? undefined : this.#weights;
  }

  get losses(): readonly number[] | undefined {
    return this.#stacks.size === 0 ? undefined : this.#losses;
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
    this.#meters.add((name) => updates.map((update) => update.vectors[name]!), weights, factors);
    if (this.#stacks.size > 0) {
      this.#clients.push(...updates.map(({ client }) => client));
      this.#weights.push(...weights);
      this.#losses.push(...updates.map((update) => update.public.loss));
    }
    for (const [k, update] of updates.entries()) this.metrics.add(update.public, factors?.[k]);
  }

  async finish(): Promise<undefined> {}

  result(make: (length: number) => Vector): Record<string, Vector> {
    const out: Record<string, Vector> = {};
    for (const [name, running] of this.#folds) {
      const vector = make(this.#sizes.get(name)! * (this.#stacks.get(name)?.rows ?? 1));
      running.result(vector);
      out[name] = vector;
    }
    this.#measured = this.#meters.of(out);
    return out;
  }

  traffic({ bytesDown, bytesUp, largestMessage }: Traffic): Traffic {
    return { bytesDown, bytesUp, largestMessage };
  }

  get measured(): CohortMeasurements {
    return this.#measured;
  }
}

/** Where the values of a part lie in the whole vector; undefined where all vectors are whole. */
function placesIn(
  { entries }: Layout,
  parts: readonly Layout[] | undefined,
): ((part: number) => Int32Array) | undefined {
  if (parts === undefined) return undefined;
  const offsets = new Map(entries.map(({ name, offset }) => [name, offset]));
  const places = parts.map((part) =>
    Int32Array.from(
      part.entries.flatMap(({ name, size }) => Array.from({ length: size }, (_, k) => offsets.get(name)! + k)),
    ),
  );
  return (part) => places[part]!;
}
