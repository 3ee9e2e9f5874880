export { type Decomposition, decomposeDisparity } from "./decomposition.ts";
export { type FairnessLimits, fairnessLimit } from "./fairness-limit.ts";
export { type Disparity, disparity, type Joint } from "./information.ts";
