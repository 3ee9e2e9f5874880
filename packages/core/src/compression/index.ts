export { type FloatBytes, malformed } from "./bits.ts";
export { type CompressionLink, compressionLink, compressorOf } from "./chain.ts";
export type { CompressionContext, Compressor, CompressorTraits, Sketch } from "./compressor.ts";
export { keptEntries } from "./density.ts";
export { type FeedbackWrapper, feedBack, feedbackWrappers, type Operator } from "./error-feedback.ts";
export {
  applyFeedback,
  downFeedbacks,
  FEEDBACK,
  type FeedbackSettings,
  feedbackLayouts,
  feedbacks,
  keepsEstimate,
  mayBeFresh,
} from "./feedback.ts";
export { readFloats, writeFloats } from "./floats.ts";
export { e3m0, nf4 } from "./level-table.ts";
export { applyLinear, linearSize, undoLinear } from "./linear.ts";
export { distortion, type MeasuredCompression, measureCompression } from "./measure.ts";
export { correctMomentum, type MomentumCorrectionOptions, type Velocity } from "./momentum-correction.ts";
export { natural } from "./natural.ts";
export { fromByte, toByte } from "./one-byte.ts";
export { parseLink, writeLink } from "./parse-link.ts";
export {
  type CompressionSettings,
  checkedCompressor,
  decodePayload,
  drawsOneTable,
  encodePayload,
  largestPayload,
  requireDraws,
} from "./payload.ts";
export { qsgd, quantize } from "./qsgd.ts";
export { drawEntries, keepEntries, placeEntries, randK } from "./rand-k.ts";
export {
  type ProjectionOptions,
  projectBlocks,
  reconstructBlock,
  truncatedNormalVariance,
} from "./seeded-projection.ts";
export { largestEntries } from "./select.ts";
export { scaledSign } from "./sign.ts";
export { countSketch, denseSketch, linearSketch, type SketchFamily, srht } from "./sketch.ts";
export { positionBytes, readPositions, writePositions } from "./sparse.ts";
export { cluster, fedZip, rarePlaces, shortest, symbolBits } from "./three-clusters.ts";
export { keepLargest, keptPositions, topEntries, topK } from "./top-k.ts";
