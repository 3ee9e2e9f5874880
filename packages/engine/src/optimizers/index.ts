export type { NamedTensors } from "../graph/trace.ts";
export { type AdamOptions, adam } from "./adam.ts";
export { type AdamwOptions, type AdamwState, adamw } from "./adamw.ts";
export { clipByGlobalNorm } from "./clip.ts";
export { gaussNewtonBartlett, hessianProduct, hutchinson } from "./curvature.ts";
export { type MuonOptions, type MuonState, muon } from "./muon.ts";
export { type NewtonSchulzOptions, newtonSchulz } from "./newton-schulz.ts";
export {
  combineTrees,
  type Optimizer,
  type OptimizerDirection,
  type OptimizerState,
  type OptimizerStep,
  type StepContext,
  takeStep,
  type WarmStart,
  zerosLike,
} from "./optimizer.ts";
export { type SgdOptions, sgd } from "./sgd.ts";
export { type ShampooOptions, type ShampooState, shampoo } from "./shampoo.ts";
export { type SoapOptions, type SoapState, soap } from "./soap.ts";
export { type SophiaOptions, type SophiaState, sophia } from "./sophia.ts";
