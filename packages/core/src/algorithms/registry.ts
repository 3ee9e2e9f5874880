import { AnabranchError } from "@anabranch/engine";
import { usesOfSystem } from "../option-uses.ts";
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
  throw unknownMethod(name, "algorithm.name");
}

/**
 * The refusal of a name that no method has. It says how a system that is an option or a command is used instead, or names
 * the nearest method.
 *
 * @example
 * ```ts
 * import { unknownMethod } from "@anabranch/core";
 * unknownMethod("FedIT").failure.advice; // => 'FedIT is not a method. It is available as: adapters.rule = "fedit".'
 * ```
 */
export function unknownMethod(name: string, where?: string): AnabranchError {
  const names = algorithms.map((method) => method.name);
  const near = nearest(name, names);
  const uses = names.includes(name.toLowerCase()) ? [] : usesOfSystem(name);
  const guess = near === undefined ? 'Run "anabranch methods" for the list.' : `Did you mean "${near}"?`;
  return new AnabranchError({
    code: "algorithm/unknown",
    message: "unknown algorithm",
    ...(where === undefined ? {} : { where }),
    received: JSON.stringify(name),
    ...(uses.length === 0 && { expected: `one of ${names.join(", ")}` }),
    advice: uses.length === 0 ? guess : `${name} is not a method. It is available as: ${uses.join(", ")}.`,
  });
}
