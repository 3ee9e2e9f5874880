export * from "./analytic.ts";
export * from "./broadcast-guard.ts";
export * from "./deep-leakage.ts";
export * from "./defences.ts";
export * from "./generator-search.ts";
export {
  type GradientMatch,
  type MatchSettings,
  type MatchValue,
  openMatch,
  type ReceivedGradient,
} from "./gradient-match.ts";
export * from "./image-quality.ts";
export * from "./inverting-gradients.ts";
export { projectToBall } from "./l1-ball.ts";
export * from "./label-recovery.ts";
export { type LbfgsSettings, lbfgs, type Minimum, type Slope } from "./lbfgs.ts";
export { nonSmoothParts } from "./model-view.ts";
export { structuralSimilarity } from "./structural-similarity.ts";
