export * from "./dadao.ts";
export * from "./edge-rates.ts";
export { matrixExponential } from "./matrix-exponential.ts";
export * from "./mix.ts";
export * from "./models.ts";
export { applyNodeRule, averageAll, type NodeRule, sendingsOf, type Trained, trainedModels } from "./node-rule.ts";
export { type Quantiser, quantise, quantisedBytes } from "./quantised.ts";
export * from "./robust-rows.ts";
export * from "./variance.ts";
