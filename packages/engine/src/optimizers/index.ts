export { type AdamwOptions, type AdamwState, adamw } from "./adamw.ts";
export { clipByGlobalNorm } from "./clip.ts";
export {
  combineTrees,
  type Optimizer,
  type OptimizerStep,
  type ParameterSpecs,
  zerosLike,
} from "./optimizer.ts";
export { type SgdOptions, sgd } from "./sgd.ts";
