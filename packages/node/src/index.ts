// run indexes can be disposed of by "using", which the declarations have to know whatever the importer's libraries
/// <reference lib="esnext.disposable" preserve="true" />
export * from "./data/index.ts";
export { executorNames, openExecutor } from "./executors.ts";
export { type RunOutcome, resumeRun, type SessionOptions, startRun } from "./run/session.ts";
export { type SimulateOptions, simulate } from "./run/simulate.ts";
export { type OpenSimulation, openSimulation, type SimulationOptions } from "./run/simulation.ts";
export * from "./store/index.ts";
export { type PoolOptions, WorkerPool } from "./workers/pool.ts";
