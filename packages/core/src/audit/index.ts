export { type Advice, type AdviceStage, type Audited, adviceFor } from "./advice.ts";
export * from "./analytic.ts";
export {
  type AttackOutcome,
  type AttackSettings,
  type AuditAttack,
  attackObservation,
  auditAttacks,
  usualAttacks,
} from "./audit-attacks.ts";
export * from "./broadcast-guard.ts";
export * from "./deep-leakage.ts";
export * from "./defences.ts";
export * from "./generator-search.ts";
export { type GeneratorTraining, trainGenerator } from "./generator-training.ts";
export {
  type GradientMatch,
  type MatchSettings,
  type MatchValue,
  openMatch,
  type ReceivedGradient,
} from "./gradient-match.ts";
export * from "./image-quality.ts";
export {
  type AuxiliaryExamples,
  type InversionNetwork,
  type InversionTraining,
  trainInversionNetwork,
} from "./inversion-network.ts";
export * from "./inverting-gradients.ts";
export { projectToBall } from "./l1-ball.ts";
export * from "./label-recovery.ts";
export { type LbfgsSettings, lbfgs, type Minimum, type Slope } from "./lbfgs.ts";
export { nonSmoothParts } from "./model-view.ts";
export {
  type Observation,
  type ObservedRound,
  type ObservePorts,
  type ObserveRequest,
  type Observer,
  observeRound,
} from "./observe.ts";
export { type PixelScale, pixelScale, rangeScale, trueInputs, truePixels } from "./pixels.ts";
export { structuralSimilarity } from "./structural-similarity.ts";
