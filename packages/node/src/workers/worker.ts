import { parentPort, workerData } from "node:worker_threads";
import {
  type Broadcast,
  type ClientDataSource,
  decodeBroadcast,
  describeFailure,
  encodedSize,
  encodeInto,
  evaluateRange,
  openDataSource,
  runClient,
  type Vector,
} from "@anabranch/core";
import type { Executable } from "@anabranch/engine";
import { openExecutor } from "../executors.ts";
import type { FromWorker, ToWorker, WorkerSetup } from "./messages.ts";

/** A worker runs programs on data: it imports no algorithm and receives no function. */
const { plan, executor: executorName, slots } = workerData as WorkerSetup;
const port = parentPort!;
const post = (message: FromWorker) => port.postMessage(message);

interface Loaded {
  readonly task: Executable;
  readonly evaluation: Executable;
  readonly train: ClientDataSource;
  readonly test: ClientDataSource;
  readonly holdout: ClientDataSource | undefined;
}

let broadcast: Broadcast | undefined;
let parameters: Vector | undefined;

const loading: Promise<Loaded | undefined> = load();

async function load(): Promise<Loaded | undefined> {
  try {
    const executor = await openExecutor(executorName);
    const loaded = {
      task: await executor.load(plan.task.program),
      evaluation: await executor.load(plan.evaluation.program),
      train: openDataSource(plan.train),
      test: openDataSource(plan.test),
      holdout: plan.holdout === undefined ? undefined : openDataSource(plan.holdout),
    };
    post({ type: "ready" });
    return loaded;
  } catch (error) {
    post({ type: "broken", ...describeFailure(error) });
    return undefined;
  }
}

async function handle(loaded: Loaded, message: ToWorker): Promise<void> {
  switch (message.type) {
    case "broadcast":
      // one private copy a round: ONNX Runtime refuses tensors over shared buffers
      broadcast = decodeBroadcast(new Uint8Array(message.buffer).slice(0, message.length));
      return;
    case "parameters":
      parameters = plan.task.float === "float64" ? new Float64Array(message.buffer).slice() : new Float32Array(message.buffer).slice();
      return;
    case "train":
      return train(loaded, message);
    case "evaluate": {
      const source = message.source === "test" ? loaded.test : loaded.holdout!;
      const sums = await evaluateRange(plan.evaluation, loaded.evaluation, parameters!, source, message.range);
      return post({ type: "evaluated", id: message.id, sums });
    }
    case "close":
      await loaded.task.release();
      await loaded.evaluation.release();
      port.close();
  }
}

async function train(loaded: Loaded, message: Extract<ToWorker, { type: "train" }>): Promise<void> {
  const { id, client, learningRate, state } = message;
  const task = { client, learningRate, state, broadcast: broadcast!, data: loaded.train.load(client) };
  const outcome = await runClient(plan.task, loaded.task, task);
  const slot = slots[message.slot]!;
  const length = encodedSize(outcome.update);
  encodeInto(outcome.update, new Uint8Array(slot, 0, length));
  let offset = Math.ceil(length / 8) * 8;
  const kept: { name: string; offset: number; length: number }[] = [];
  for (const [name, vector] of Object.entries(outcome.state)) {
    const { length: count } = vector;
    const view = vector instanceof Float64Array ? new Float64Array(slot, offset, count) : new Float32Array(slot, offset, count);
    view.set(vector);
    kept.push({ name, offset, length: vector.length });
    offset += Math.ceil(vector.byteLength / 8) * 8;
  }
  post({ type: "trained", id, length, state: kept });
}

let queue = Promise.resolve();
port.on("message", (message: ToWorker) => {
  queue = queue.then(async () => {
    const loaded = await loading;
    if (loaded === undefined) return;
    try {
      await handle(loaded, message);
    } catch (error) {
      if ("id" in message) post({ type: "failed", id: message.id, ...describeFailure(error) });
      else throw error;
    }
  });
});
