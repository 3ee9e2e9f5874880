export { answerError } from "./answer-error.ts";
export { fromBase64, toBase64 } from "./base64.ts";
export type { ClientPrivacy } from "./client-epsilon.ts";
export { imageReading, ownExamples, sharedExamples, tableReading } from "./client-examples.ts";
export { type ClientLimits, USUAL_LIMITS } from "./client-limits.ts";
export type { ClientReport, LocalExamples } from "./client-report.ts";
export { blobName, contentHashOf } from "./content-hash.ts";
export {
  type ClientMessage,
  CONTROL_BYTES,
  clientMessage,
  contentHash,
  LIVE_VERSION,
  messageId,
  orderId,
  proofText,
  type ServerMessage,
  serverMessage,
  type UploadAnswer,
  uploadAnswer,
  uploadId,
} from "./control.ts";
export { type DataNames, namesBlob } from "./data-names.ts";
export type { FromExecutor, ToExecutor } from "./executor-messages.ts";
export { ExecutorService, failureOf } from "./executor-service.ts";
export { type LiveClientOptions, type LiveClientResult, runLiveClient } from "./live-client.ts";
export { type LiveSecurePorts, liveSecureAggregation } from "./live-secure-aggregation.ts";
export { type LivePorts, type LiveRun, LiveServer, type RunEnding } from "./live-server.ts";
export { MemoryLedgers } from "./memory-ledger.ts";
export { advanceVersion, type NewestVersion, type VersionConflict } from "./newest-version.ts";
export type * from "./ports.ts";
export { lostLedger } from "./release-errors.ts";
export { RemoteExecutor } from "./remote-executor.ts";
export { type SecureRecord, secureRecord } from "./secure-record.ts";
export type { ClientStatus, LiveNotice, LiveStatus } from "./status.ts";
export { systemTimers } from "./system-timers.ts";
export {
  type DataSchema,
  describeTask,
  heldBlob,
  type OpenTask,
  openTask,
  type TaskDescription,
  taskDescription,
} from "./task-description.ts";
export {
  MOST_UPLOAD_PARTS,
  readUploadProgress,
  type Sending,
  type UploadProgress,
  uploadUrl,
} from "./upload-requests.ts";
export { WITHHELD } from "./withheld.ts";
