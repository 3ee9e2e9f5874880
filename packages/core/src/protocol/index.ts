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
export { encodeSafetensors, layOutSafetensors, type SafetensorsLayout } from "./safetensors-write.ts";
export { damaged, decodeSealed, encodeSealed, type SealedKind } from "./sealed.ts";
export * from "./stage.ts";
