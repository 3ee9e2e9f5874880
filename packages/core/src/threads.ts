/**
 * What threads that train and evaluate need, for a start in half the time: a part of the main entry, which loads every
 * method, rule and configuration. Not for use outside of Anabranch's own packages.
 */
export { type ClientDataSource, openDataSource } from "./client/data-source.ts";
export { describeFailure } from "./client/describe-failure.ts";
export { evaluateRange } from "./client/evaluate.ts";
export { type OpenTasks, openTasks } from "./client/open-tasks.ts";
export { runClient, type TaskSpec } from "./client/run-client.ts";
export type { Layout, Vector } from "./params/index.ts";
export { largestUpdate, messageLayouts, travelsAsTrained } from "./pipeline/client-pipeline.ts";
export { type Broadcast, decodeBroadcast, encodedSize, encodeInto, vectorOffsets } from "./protocol/index.ts";
