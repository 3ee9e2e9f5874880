export { type Decomposition, decomposeDisparity } from "./decomposition.ts";
export { type FairnessLimits, fairnessLimit } from "./fairness-limit.ts";
export {
  type GroupFairness,
  type GroupMetrics,
  groupFairness,
  type JudgedExamples,
  type LimitPoint,
} from "./group-metrics.ts";
export { type Disparity, disparity, type Joint } from "./information.ts";
