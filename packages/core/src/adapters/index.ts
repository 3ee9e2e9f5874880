export * from "./bandit.ts";
export * from "./device-choice.ts";
export { type DistillationOptions, distillation, taughtLoss } from "./distillation.ts";
export * from "./hard-examples.ts";
export * from "./instruction-prompt.ts";
export { deltaOf, exactUpdate, type LowRankUpdate, type WeightedUpdate } from "./low-rank-update.ts";
export { frobeniusDistance, type Matrix, matrixOf, rowsOf } from "./matrix.ts";
export * from "./offsite-emulator.ts";
export { factored } from "./refactored.ts";
export { relativeLambda } from "./residual-corrected.ts";
export { aggregatePairs, LAMBDA, type PairRuleName, type PairRuleOptions, pairRuleNames } from "./rules.ts";
export * from "./sensitivity.ts";
export * from "./spine-controller.ts";
export * from "./split-traffic.ts";
export { type StorageBits, storageBits, storedBytes, storedWeights } from "./stored-weights.ts";
export {
  gradientFromFactors,
  groupImportance,
  leastImportant,
  type PrunedUpdate,
  scattered,
} from "./structured-pruning.ts";
export * from "./trained-core.ts";
export * from "./two-stage.ts";
export { type MovedWeight, unitImportance } from "./unit-importance.ts";
