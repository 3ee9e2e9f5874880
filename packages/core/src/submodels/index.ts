export { type ChainLayer, chainOf } from "./chain.ts";
export * from "./convolved-weights.ts";
export * from "./exploration-mask.ts";
export { denseWeights } from "./kept-weights.ts";
export { type HiddenLayer, hiddenLayers, withUnitMasks } from "./masked-units.ts";
export * from "./rank-tiers.ts";
export {
  biasFreeNetwork,
  keptEntries,
  scoreGradient,
  signBytes,
  signedWeights,
  signs,
  signVote,
  synapticFlow,
} from "./sign-network.ts";
export * from "./slices.ts";
export * from "./sub-models.ts";
export * from "./unit-axes.ts";
export * from "./unit-mask.ts";
