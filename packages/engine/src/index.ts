export * from "./autodiff/gradient.ts";
export * from "./errors.ts";
export { evaluate } from "./executor/evaluate.ts";
export type * from "./executor/executor.ts";
export { fingerprint } from "./executor/fingerprint.ts";
export { interpreter } from "./executor/interpreter.ts";
export { loadProgram } from "./executor/load-program.ts";
export { onnxruntimeNode } from "./executor/onnxruntime-node.ts";
export { onnxruntimeWeb } from "./executor/onnxruntime-web.ts";
export { disableTelemetry } from "./executor/telemetry.ts";
export type { Graph, Tensor } from "./graph/graph.ts";
export { formatShape } from "./graph/shape.ts";
export { asTensor, constant, input, type Operand } from "./graph/sources.ts";
export { mapTensors, type TensorTree, type Traced, type TypeTree, tensorLeaves, trace } from "./graph/trace.ts";
export type { Dim, DType, HostData, HostTensor, Shape, TensorType } from "./graph/types.ts";
export * from "./hash.ts";
export { largest, smallest } from "./linalg/extremes.ts";
export { product, transposed } from "./linalg/product.ts";
export { type Qr, qr } from "./linalg/qr.ts";
export { type SymmetricEigen, symmetricEigen } from "./linalg/symmetric-eigen.ts";
export { fromSvd, type TruncatedSvd, truncatedSvd } from "./linalg/truncated-svd.ts";
export * as nn from "./nn/index.ts";
export { inputsBeside, layerInput } from "./nn/inputs-beside.ts";
export type {
  ApplyContext,
  Initializer,
  MaskSpec,
  Module,
  ParameterRole,
  ParameterSpec,
  TrainingBatch,
} from "./nn/module.ts";
export { MessageWriter } from "./onnx/protobuf.ts";
export * from "./ops/activations.ts";
export { acos, arccosineOperators } from "./ops/arccosine.ts";
export { attention } from "./ops/attention.ts";
export { type BatchMoments, batchNorm, normalizeBy } from "./ops/batch-normalization.ts";
export { broadcastTo, sum, sumTo } from "./ops/broadcast.ts";
export * from "./ops/comparison.ts";
export { cond, scan } from "./ops/control.ts";
export {
  type ConvolutionOptions,
  conv2d,
  conv2dInputGradient,
  conv2dWeightGradient,
} from "./ops/convolution.ts";
export * from "./ops/elementwise.ts";
export { erfcxValue, erfValue } from "./ops/erf.ts";
export { identity, stopGradient } from "./ops/identity.ts";
export * from "./ops/indexing.ts";
export { linear, type MatmulOptions, matmul } from "./ops/matmul.ts";
export { groupNorm, layerNorm, standardize } from "./ops/normalization.ts";
export * from "./ops/pieces.ts";
export { avgPool2d, maxPool2d, type PoolingOptions } from "./ops/pooling.ts";
export * from "./ops/reductions.ts";
export { cast, clip, maximum, minimum, where } from "./ops/selection.ts";
export * from "./ops/shape.ts";
export { logSoftmax, softmax, softmaxCrossEntropy } from "./ops/softmax.ts";
export { ranks } from "./ops/sorting.ts";
export * from "./optimizers/index.ts";
export { countFlops, type FlopSettings } from "./program/count-flops.ts";
export { encodeModel, type NamePrefixes } from "./program/encode.ts";
export { type HostKernelSchedule, type KernelCall, type KernelName, withPrefix } from "./program/host-kernels.ts";
export { compileLoop, type Loop, type LoopInputs, type LoopProgram } from "./program/loop.ts";
export { compileProgram, type Port, type Program } from "./program/program.ts";
export type { SerializedGraph, SerializedNode } from "./program/serialize.ts";
