import { gelu as geluOf, relu as reluOf, tanh as tanhOf } from "../ops/activations.ts";
import { flatten as flattenFrom } from "../ops/shape.ts";
import { type Module, stateless } from "./module.ts";

/**
 * max(x, 0), with derivative 0 at 0.
 *
 * @example
 * ```ts
 * import { constant, evaluate, nn } from "@anabranch/engine";
 * evaluate(nn.relu.apply({}, constant([-1, 2], [2]))).data; // => [0, 2]
 * ```
 */
export const relu: Module = stateless(reluOf);
/**
 * x Phi(x), the exact form through erf.
 *
 * @example
 * ```ts
 * import { constant, evaluate, nn } from "@anabranch/engine";
 * evaluate(nn.gelu.apply({}, constant([2], [1]))).data; // => [1.9545]
 * ```
 */
export const gelu: Module = stateless(geluOf);
/**
 * The hyperbolic tangent as a layer without parameters.
 *
 * @example
 * ```ts
 * import { constant, evaluate, nn } from "@anabranch/engine";
 * evaluate(nn.tanh.apply({}, constant([1], [1]))).data; // => [0.76159]
 * ```
 */
export const tanh: Module = stateless(tanhOf);
/**
 * [N, ...] -> [N, features].
 *
 * @example
 * ```ts
 * import { constant, nn } from "@anabranch/engine";
 * nn.flatten.apply({}, constant([1, 2, 3, 4], [1, 2, 2])).shape; // => [1, 4]
 * ```
 */
export const flatten: Module = stateless((x) => flattenFrom(x, 1));
