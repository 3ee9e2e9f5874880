export { type BlackBox, type SurrogateSettings, type SurrogateState, surrogateRound } from "./fzoos.ts";
export { type ProcessOptions, processGradient, type Queries } from "./gaussian-process.ts";
export { drawFeatures, featureGradient, featureValue, fitFeatures, type RandomFeatures } from "./random-features.ts";
