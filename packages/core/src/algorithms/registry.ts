import { AnabranchError } from "@anabranch/engine";
import { nearest } from "../text/nearest.ts";
import type { Algorithm } from "./algorithm.ts";
import type { MethodDefinition } from "./define-method.ts";
import { buildMethod } from "./method-options.ts";
import * as methods from "./methods.ts";

/**
 * Every method, by the name users type.
 *
 * @example
 * ```ts
 * import { algorithms } from "@anabranch/core";
 * algorithms.map(({ name }) => name).includes("scaffold"); // => true
 * ```
 */
export const algorithms: readonly MethodDefinition[] = Object.values(methods)
  .map(({ definition }): MethodDefinition => definition)
  .sort((a, b) => (a.name < b.name ? -1 : 1));

/**
 * Builds a method from its name and options as a user wrote them. Throws `algorithm/unknown`, `algorithm/unknown-option`
 * (both name the nearest known word), `algorithm/option-twice`, `algorithm/missing-option` or `algorithm/option`.
 *
 * @example
 * ```ts
 * import { createAlgorithm } from "@anabranch/core";
 * const scaffold = createAlgorithm("scaffold", { serverLearningRate: 1 });
 * scaffold.name; // => "scaffold"
 * ```
 */
export function createAlgorithm(name: string, options: Readonly<Record<string, unknown>> = {}): Algorithm {
  const found = algorithms.find((method) => method.name === name);
  if (found !== undefined) return buildMethod(found, options);
  const names = algorithms.map((method) => method.name);
  const near = nearest(name, names);
  throw new AnabranchError({
    code: "algorithm/unknown",
    message: "unknown algorithm",
    where: "algorithm.name",
    received: JSON.stringify(name),
    expected: `one of ${names.join(", ")}`,
    advice: near === undefined ? 'Run "anabranch methods" for the list.' : `Did you mean "${near}"?`,
  });
}
