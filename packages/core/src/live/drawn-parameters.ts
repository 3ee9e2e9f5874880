import { startCores } from "../adapters/start-cores.ts";
import type { Model } from "../models/index.ts";
import { initialParameters } from "../params/initialize.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { RandomKey } from "../random/index.ts";

/** The initial weights of a model from a key, as servers and clients draw them alike, [whole.size]. */
export function drawnParameters(model: Model, whole: Layout, key: RandomKey, float: "float32" | "float64"): Vector {
  const drawn = initialParameters(model.parameters, key);
  if (model.adapters !== undefined) startCores(model.adapters, whole, drawn);
  return float === "float64" ? Float64Array.from(drawn) : drawn;
}
