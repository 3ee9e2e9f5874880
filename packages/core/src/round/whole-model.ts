import { joinParameters } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import type { RunPlan } from "./run-plan.ts";

/**
 * The model of a run from its global parameters: with the frozen ones, and with personal ones as they are at the start, which
 * a client has that has not trained. Global parameters as they are, where all travel.
 *
 * @example
 * ```ts
 * import { wholeModel } from "@anabranch/core";
 * wholeModel({}, Float32Array.of(1, 2)); // => [1, 2]
 * ```
 */
export function wholeModel({ held }: Pick<RunPlan, "held">, parameters: Vector): Vector {
  return held === undefined ? parameters : joinParameters(held, parameters);
}

/**
 * Whether clients keep parameters to themselves.
 *
 * @example
 * ```ts
 * import { keepsParameters } from "@anabranch/core";
 * keepsParameters({}); // => false
 * ```
 */
export function keepsParameters({ held }: Pick<RunPlan, "held">): boolean {
  return held !== undefined && held.split.personal.size > 0;
}
