import { range, type SparseRow } from "../topology/index.ts";
import { classWeighted, type Judged, type PeerChoice } from "./class-weighted.ts";
import { mix } from "./mix.ts";
import { emptyLike, type Models, meanModel, modelOf, modelsOf } from "./models.ts";
import { mixQuantised, type Quantiser } from "./quantised.ts";
import { clippedRows, nearestRows } from "./robust-rows.ts";
import { type Layer, varianceCorrected } from "./variance.ts";

/** What a node makes of its own model and of those that it hears, as plain data. */
export type NodeRule =
  /** Their weighted mean, `steps` times in a row; `merges`: after the last round all nodes take the mean of all. */
  | { readonly name: "mean"; readonly steps: number; readonly merges?: boolean }
  /** The same with every change on the way quantised. */
  | ({ readonly name: "quantised" } & Quantiser)
  /** Self-centred clipping. */
  | { readonly name: "clipped"; readonly radius: number }
  /** The mean of those nearest to its own. */
  | { readonly name: "nearest"; readonly byzantine: number }
  /** Their mean with the variance of each layer given back. */
  | { readonly name: "variance-corrected" }
  /** Output layers combined class by class, by how well each does on the receiver's test examples. */
  | ({ readonly name: "class-weighted" } & PeerChoice);

/** What nodes have before they mix. */
export interface Trained {
  /** x_i, models before local training. */
  readonly models: Models;
  /** y_i - x_i, what training has changed; zeros of nodes that did not train. */
  readonly changes: Models;
}

/** No node was asked: all keep their models. */
const NOTHING_JUDGED: Judged = { pairs: [], scores: [], classes: 1 };

/**
 * Models of all nodes after mixing by a rule over the rows of a mixing matrix.
 *
 * @param judged what the rule by classes goes by; other rules read no scores
 */
export function applyNodeRule(
  rule: NodeRule,
  trained: Trained,
  rows: readonly SparseRow[],
  layers: readonly Layer[],
  judged = NOTHING_JUDGED,
): Models {
  if (rule.name === "quantised") return mixQuantised(trained.models, trained.changes, rows, rule);
  const models = trainedModels(trained);
  switch (rule.name) {
    case "mean":
      return range(rule.steps).reduce((mixed) => mix(mixed, rows), models);
    case "clipped":
      return mix(models, clippedRows(models, rows, rule.radius));
    case "nearest":
      return mix(models, nearestRows(models, rows, rule.byzantine));
    case "variance-corrected":
      return varianceCorrected(models, rows, layers);
    case "class-weighted":
      return classWeighted(models, layers, judged);
  }
}

/** x_i + (y_i - x_i) */
export function trainedModels({ models, changes }: Trained): Models {
  const trained = emptyLike(models);
  for (let j = 0; j < trained.data.length; j++) trained.data[j] = models.data[j]! + changes.data[j]!;
  return trained;
}

/** Every active node gets the mean of all active ones. */
export function averageAll(models: Models, active: readonly number[]): Models {
  if (active.length === 0) return models;
  const mean = meanModel(modelsOf(active.map((node) => modelOf(models, node))));
  const averaged = emptyLike(models);
  averaged.data.set(models.data);
  for (const node of active) modelOf(averaged, node).set(mean);
  return averaged;
}

/** How many models a rule sends over each link in a round. */
export function sendingsOf(rule: NodeRule): number {
  return rule.name === "mean" ? rule.steps : 1;
}
