import { gelu as geluOf, relu as reluOf, tanh as tanhOf } from "../ops/activations.ts";
import { flatten as flattenFrom } from "../ops/shape.ts";
import { type Module, stateless } from "./module.ts";

/** max(x, 0), with derivative 0 at 0. */
export const relu: Module = stateless(reluOf);
/** x Phi(x), the exact form through erf. */
export const gelu: Module = stateless(geluOf);
export const tanh: Module = stateless(tanhOf);
/** [N, ...] -> [N, features]. */
export const flatten: Module = stateless((x) => flattenFrom(x, 1));
