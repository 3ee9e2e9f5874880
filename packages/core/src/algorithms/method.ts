import type { TensorTree } from "@anabranch/engine";
import { erasedMethod } from "./erased-method.ts";
import type { MethodBody, MethodHalves, MethodVectors } from "./method-halves.ts";
import type { ServerShapes, Shapes, UploadShapes } from "./shapes.ts";

export type { MethodBody } from "./method-halves.ts";

/** Vectors whose halves are still to be given. */
export interface DeclaredVectors<
  S extends ServerShapes,
  C extends Shapes,
  U extends UploadShapes,
  B extends keyof S,
  E extends Shapes,
> {
  method<K extends TensorTree>(halves: MethodHalves<S, C, U, B, E, K>): MethodBody;
}

/**
 * A method from its vectors and then its halves. Names and types of the halves follow from the vectors, so that a wrong
 * name does not compile.
 *
 * @example
 *   vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
 *     local: localSgd(),
 *     update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 1, delta) }),
 *   })
 * @example
 * ```ts
 * import { MODEL, vectors, weightedMean } from "@anabranch/core";
 * const declared = vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } });
 * typeof declared.method; // => "function"
 * ```
 */
export function vectors<
  S extends ServerShapes,
  U extends UploadShapes,
  // biome-ignore lint/complexity/noBannedTypes: no vectors unless some are declared
  C extends Shapes = {},
  const B extends keyof S = keyof S,
  // biome-ignore lint/complexity/noBannedTypes: no vectors unless some are declared
  E extends Shapes = {},
>(declared: MethodVectors<S, C, U, B, E>): DeclaredVectors<S, C, U, B, E> {
  return {
    // names and types are checked here; the loop knows vectors by strings
    method: (halves) => erasedMethod(declared as unknown as MethodVectors, halves as unknown as MethodHalves),
  };
}
