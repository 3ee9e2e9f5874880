export * from "./message.ts";
export { MESSAGE_VERSION } from "./message-read.ts";
export { decodeSafetensors } from "./safetensors-read.ts";
export type {
  DTypeName,
  SafetensorsFile,
  SafetensorsLimits,
  SafetensorsTensor,
  TensorData,
} from "./safetensors-types.ts";
export { encodeSafetensors } from "./safetensors-write.ts";
export { decodeSealed, encodeSealed, type SealedKind } from "./sealed.ts";
export * from "./split-message.ts";
export {
  type Aggregate,
  type ClientStageContext,
  type InvalidUpdate,
  type KeyRequest,
  type ReceiveContext,
  type ServerStageContext,
  type Stage,
  TASK_KEYS,
  type TaskKeys,
  taskKeys,
  withMetadata,
} from "./stage.ts";
