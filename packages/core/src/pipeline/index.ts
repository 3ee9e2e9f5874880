export type { Aggregator, AttackReport, SecureCost } from "./aggregator.ts";
export type { UpdateAttack } from "./attacked-aggregator.ts";
export { hasVersionBefore, lossOfBroadcast, receivedBroadcast, replicaState } from "./broadcast-compression.ts";
export { type Capabilities, capabilitiesOf, type Feature, requireCapable } from "./capabilities.ts";
export {
  largestUpdate,
  messageLayouts,
  type PipelineSpec,
  sentUpdate,
  travelsAsTrained,
} from "./client-pipeline.ts";
export type { CohortMetrics } from "./cohort-metrics.ts";
export { feedbackState, keepsClientState } from "./compression-stage.ts";
export {
  type FinishedRound,
  type ServerPipeline,
  type ServerPipelineParts,
  serverPipeline,
} from "./server-pipeline.ts";
export {
  type DownCompression,
  layoutsOfPart,
  type PipelineSettings,
  type UploadCompression,
  type Uploads,
} from "./settings.ts";
export { StreamingAggregator } from "./streaming-aggregator.ts";
export { SCRATCH } from "./update-arena.ts";
export { uploadsOf } from "./uploads.ts";
