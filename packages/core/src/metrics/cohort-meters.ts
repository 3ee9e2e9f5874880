import type { Payloads, Upload } from "../algorithms/algorithm.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { type BlockVariance, BlockVarianceMeter } from "./block-variance.ts";
import { CoherenceMeter } from "./coherence.ts";
import { type Drift, DriftMeter, type Meter } from "./drift.ts";
import type { DiagnosticsSettings } from "./settings.ts";

/** What a cohort's updates amount to beside their aggregate, by vector, for those that are measured. */
export interface CohortMeasurements {
  /** Of vectors that the method wants measured. */
  readonly drift: Readonly<Record<string, Drift>>;
  /** Of updates of the model. */
  readonly coherence: Readonly<Record<string, number>>;
  /** Of preconditioners with a number for each parameter. */
  readonly blockVariance: Readonly<Record<string, BlockVariance>>;
}

export const NOTHING_MEASURED: CohortMeasurements = { drift: {}, coherence: {}, blockVariance: {} };

type Kind = keyof CohortMeasurements;

/** Measures a cohort's updates as they are folded. */
export class CohortMeters {
  readonly #meters: readonly { readonly vector: string; readonly kind: Kind; readonly meter: Meter<unknown> }[];

  /** @param model the layout of the parameters */
  constructor({ upload, parts }: Payloads, model?: Layout, settings?: DiagnosticsSettings) {
    this.#meters = Object.entries(upload).flatMap(([vector, sent]) => {
      const meters = Object.entries(metersOf(sent, parts === undefined ? model : undefined, settings));
      return meters.map(([kind, meter]) => ({ vector, kind: kind as Kind, meter }));
    });
  }

  add(vectors: (name: string) => readonly Vector[], weights: readonly number[], factors?: readonly number[]): void {
    for (const { vector, meter } of this.#meters) meter.add(vectors(vector), weights, factors);
  }

  reset(): void {
    for (const { meter } of this.#meters) meter.reset();
  }

  /** Given the aggregates of the vectors. */
  of(aggregates: Readonly<Record<string, Vector>>): CohortMeasurements {
    const measured: Record<Kind, Record<string, unknown>> = { drift: {}, coherence: {}, blockVariance: {} };
    for (const { kind, vector, meter } of this.#meters) measured[kind][vector] = meter.of(aggregates[vector]!);
    return measured as unknown as CohortMeasurements;
  }
}

/** @param model undefined where updates come in parts: every coordinate then has a cohort of its own */
function metersOf(
  { layout, aggregation, drift }: Upload,
  model: Layout | undefined,
  settings: DiagnosticsSettings | undefined,
): Partial<Record<Kind, Meter<unknown>>> {
  const ofModel = model !== undefined && layout.hash === model.hash;
  if (aggregation === "each") return {};
  if (drift !== true) return ofModel && settings?.coherence ? { coherence: new CoherenceMeter(aggregation) } : {};
  const byBlocks = ofModel && settings?.preconditioners ? { blockVariance: new BlockVarianceMeter(model) } : {};
  return { drift: new DriftMeter(), ...byBlocks };
}
