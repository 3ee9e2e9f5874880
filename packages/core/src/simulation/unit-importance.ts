/**
 * Which hidden units matter to the clients of a round, by what their adapters have moved by.
 *
 * Citation: importance as in M. Zhang et al., "LoRAPrune", ACL 2024, arXiv:2305.18403, eq. 10, which FedSpine
 * (arXiv:2501.02438) takes.
 */
import { type MovedWeight, unitImportance } from "../adapters/index.ts";
import { combineMatrices, type Matrix } from "../adapters/matrix.ts";
import { type PlacedPair, pairsIn, readPair } from "../adapters/model-pairs.ts";
import type { ModelAdapters } from "../models/model.ts";
import { entryView, type Layout, layout as layoutFrom } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import { type HiddenLayer, KEPT_UNITS } from "../submodels/masked-units.ts";

/** What importance is computed from. */
export interface AdaptedUnits {
  readonly layers: readonly HiddenLayer[];
  readonly adapters: Pick<ModelAdapters, "pairs" | "scale">;
  /** W [o, i] of a weight, by its name. */
  weight(name: string): Matrix;
}

/** Of the moving mean of importance over rounds, as FedPipe's. */
const DECAY = 0.85;

/** A number for each hidden unit, by the weight that makes it. */
export function unitLayout(layers: readonly HiddenLayer[]): Layout {
  return layoutFrom(
    layers.map(({ makes, units }) => ({ name: makes, shape: [units], role: "vector", block: KEPT_UNITS })),
  );
}

/** Squares of the weights of each unit: before the first round there is no gradient. */
export function startImportance({ layers, weight }: Pick<AdaptedUnits, "layers" | "weight">): Float64Array {
  const masks = unitLayout(layers);
  const importance = new Float64Array(masks.size);
  for (const { makes, reads, units } of layers) {
    const [rows, columns] = [weight(makes), weight(reads)];
    const sums = Array.from({ length: units }, (_, unit) => {
      const row = rows.data.subarray(unit * rows.columns, (unit + 1) * rows.columns);
      let sum = row.reduce((total, value) => total + value * value, 0);
      for (let o = 0; o < columns.rows; o++) sum += columns.data[o * columns.columns + unit]! ** 2;
      return sum;
    });
    entryView(importance, masks.entries.find(({ name }) => name === makes)!).set(relative(sums));
  }
  return importance;
}

/** Divided by their mean, so that those of layers and rounds can be compared. */
function relative(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => (mean > 0 ? value / mean : 1));
}

/** What a client has sent, and where it lies. */
export interface SentRow {
  readonly places: Int32Array;
  readonly update: Vector;
  readonly kept: Vector;
}

/** The moving mean of the importance of each unit, over the clients that had it; as it was where nobody had. */
export function nextImportance(
  before: Vector,
  global: Vector,
  rows: readonly SentRow[],
  layout: Layout,
  { layers, adapters, weight }: AdaptedUnits,
): Float64Array {
  const masks = unitLayout(layers);
  const pairs = new Map(
    pairsIn(layout, adapters).map((pair) => {
      const { weight } = adapters.pairs.find(({ a }) => a === pair.entries.a.name)!;
      return [weight, pair] as const;
    }),
  );
  const importance = Float64Array.from(before);
  for (const { makes, reads, units } of layers) {
    const { offset } = masks.entries.find(({ name }) => name === makes)!;
    const [sums, counts] = [new Float64Array(units), new Float64Array(units)];
    for (const { places, update, kept } of rows) {
      const moved = (name: string): MovedWeight | undefined => {
        const pair = pairs.get(name);
        return pair && movedWeight(pair, global, places, update, adapters.scale, weight(name));
      };
      const found = relative(unitImportance(units, { rows: moved(makes), columns: moved(reads) }));
      for (const [unit, value] of found.entries()) {
        if (kept[offset + unit] === 0) continue;
        sums[unit]! += value;
        counts[unit]!++;
      }
    }
    for (let unit = 0; unit < units; unit++)
      if (counts[unit]! > 0)
        importance[offset + unit] = DECAY * importance[offset + unit]! + ((1 - DECAY) * sums[unit]!) / counts[unit]!;
  }
  return importance;
}

function movedWeight(
  pair: PlacedPair,
  global: Vector,
  places: Int32Array,
  update: Vector,
  scale: number,
  weight: Matrix,
): MovedWeight {
  const received = zerosLike(global, global.length);
  const after = zerosLike(global, global.length);
  for (const place of places) {
    received[place] = global[place]!;
    after[place] = global[place]! + update[place]!;
  }
  const [before, then] = [readPair(pair, received, scale), readPair(pair, after, scale)];
  const fallen = (x: Matrix, y: Matrix) => combineMatrices([1, -1], [x, y]);
  return { weight, before, descent: { a: fallen(before.a, then.a), b: fallen(before.b, then.b) }, scale };
}
