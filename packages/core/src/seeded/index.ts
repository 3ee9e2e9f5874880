export type { BlockReplay } from "./block-log.ts";
export { type Directions, directionInto, directionKey, type NestedNumbers } from "./directions.ts";
export type { DirectionDraw } from "./draw.ts";
export { extendedLog, logFrom, malformedLog } from "./log.ts";
export { numbersOfPool, type PoolReplay, poolModel } from "./pool.ts";
export { type ProbeReplay, packProbes, probeRecord } from "./probe-log.ts";
export { mergedBlocks, type Projection, projected } from "./projection.ts";
export { applyNewest, continuedModel, type LogReplay, type Replay, type Replayed, Replayer } from "./replay.ts";
