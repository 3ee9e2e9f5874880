export { type BurstyModel, isBursty, type StragglerPattern } from "./bursty.ts";
export {
  cyclicCode,
  decodeGradient,
  decodingFactors,
  encodeGradients,
  fractionalCode,
  type GradientCode,
  seedMatrix,
} from "./gradient-code.ts";
export { type MiniTask, Multiplexed } from "./multiplexed.ts";
export { SelectiveRepeat, type SequentialSizes } from "./selective-repeat.ts";
export type { SequentialScheme } from "./sequential.ts";
