export { bottleneckOptions, withBottlenecks } from "./bottlenecks.ts";
export { charTransformer, charTransformerOptions } from "./char-transformer.ts";
export * from "./cnn-28x28.ts";
export * from "./cnn-cifar.ts";
export * from "./export-onnx.ts";
export * from "./gcn.ts";
export * from "./instance-pool.ts";
export {
  modulate,
  type Pool,
  type Routing,
  routedLogits,
  routedLoss,
  routeInstances,
} from "./instance-routing.ts";
export * from "./lenet5.ts";
export * from "./linear.ts";
export * from "./logistic.ts";
export { adapterOptions, frozenBase, withAdapters } from "./low-rank-adapters.ts";
export { mergeAdapters } from "./merge-adapters.ts";
export * from "./mlp.ts";
export * from "./model.ts";
export * from "./model-cut.ts";
export * from "./quadratic.ts";
export * from "./registry.ts";
export * from "./resnet.ts";
export { shardOptions, withShards } from "./shards.ts";
export { vilt, viltOptions } from "./vilt.ts";
export { vit, vitOptions } from "./vit.ts";
