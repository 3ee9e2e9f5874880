export { decodeVector, encodeVector, encodingFault, largestEncoding } from "./codec.ts";
export type { CodecSpec } from "./codec-spec.ts";
