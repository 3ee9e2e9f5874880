import { add } from "../ops/elementwise.ts";
import type { Module } from "./module.ts";

/**
 * Modules one after the other.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * const model = nn.sequential(nn.dense("hidden", 4, 8), nn.relu, nn.dense("output", 8, 2));
 * nn.countParameters(model.parameters); // => 58
 * ```
 */
export function sequential(...modules: readonly Module[]): Module {
  return {
    parameters: modules.flatMap((m) => m.parameters),
    masks: modules.flatMap((m) => m.masks),
    apply: (parameters, x, context) => modules.reduce((y, m) => m.apply(parameters, y, context), x),
  };
}

/**
 * body(x) + shortcut(x); the shortcut is the identity unless given.
 *
 * @example
 * ```ts
 * import { constant, evaluate, nn } from "@anabranch/engine";
 * const block = nn.residual(nn.relu);
 * evaluate(block.apply({}, constant([-1, 2], [2]))).data; // => [-1, 4]
 * ```
 */
export function residual(body: Module, shortcut?: Module): Module {
  return {
    parameters: [...body.parameters, ...(shortcut?.parameters ?? [])],
    masks: [...body.masks, ...(shortcut?.masks ?? [])],
    apply: (parameters, x, context) =>
      add(body.apply(parameters, x, context), shortcut?.apply(parameters, x, context) ?? x),
  };
}
