import {
  type Backend,
  type Evaluator,
  inProcessSimulation,
  memoryBlobStore,
  memoryClientStates,
  type PreparedRun,
  type RunEvent,
  runFederation,
} from "@anabranch/core";
import { WorkerPool } from "../pool.ts";
import { executor } from "./waves.ts";

/** What of a run must not depend on where its clients are trained. */
export interface Outcome {
  readonly modelHash: string;
  /** Up and down by round. */
  readonly bytes: readonly (readonly [up: number, down: number])[];
  readonly evaluations: readonly Partial<RunEvent>[];
}

/** The outcome with clients trained in this process. */
export async function inProcess(prepared: PreparedRun): Promise<Outcome> {
  const { backend, evaluator, close } = await inProcessSimulation(prepared.simulation, executor);
  const outcome = await run(prepared, backend, evaluator);
  await close();
  return outcome;
}

/** The outcome with clients trained on so many worker threads. */
export async function onThreads(prepared: PreparedRun, workers: number): Promise<Outcome> {
  const pool = await WorkerPool.start(prepared.simulation, { executor: "onnxruntime-node", workers });
  const outcome = await run(prepared, pool, pool);
  await pool.close();
  return outcome;
}

async function run({ plan }: PreparedRun, backend: Backend, evaluator: Evaluator): Promise<Outcome> {
  const events: RunEvent[] = [];
  const emit = (event: RunEvent) => void events.push(event);
  const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  const { modelHash, history } = await runFederation(plan, { backend, evaluator, ...stores, emit });
  const evaluations = events.flatMap((event) => {
    if (event.type !== "evaluation") return [];
    const { at: _at, seconds: _seconds, ...rest } = event;
    return [rest];
  });
  return { modelHash, bytes: history.map(({ bytesUp, bytesDown }) => [bytesUp, bytesDown] as const), evaluations };
}
