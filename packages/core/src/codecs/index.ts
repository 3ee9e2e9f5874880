export { decodeVector, encodeVector, encodingFault, largestEncoding } from "./codec.ts";
export type { CodecSpec } from "./matrix-codec.ts";
