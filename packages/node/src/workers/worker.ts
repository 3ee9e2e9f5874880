import { parentPort, workerData } from "node:worker_threads";
import {
  type Broadcast,
  type ClientDataSource,
  decodeBroadcast,
  describeFailure,
  encodeInto,
  evaluateRange,
  messageLayouts,
  type OpenTasks,
  openDataSource,
  openTasks,
  runClient,
  type Vector,
} from "@anabranch/core/threads";
import type { Executable } from "@anabranch/engine";
import { openExecutor } from "../executors.ts";
import type { FromWorker, ToWorker, WorkerSetup } from "./messages.ts";
import { slotLayout, slotVectors } from "./slot.ts";

/** A worker runs programs on data: it imports no algorithm and receives no function. */
const { simulation, executor: executorName, measure } = workerData as WorkerSetup;
const layout = slotLayout(simulation.task);
const port = parentPort!;
const post = (message: FromWorker) => port.postMessage(message);

interface Loaded {
  readonly tasks: OpenTasks;
  readonly evaluation: Executable;
  readonly train: ClientDataSource;
  readonly test: ClientDataSource;
  readonly holdout: ClientDataSource | undefined;
  readonly attackTest: ClientDataSource | undefined;
}

/** A model version; decoded when the first task needs it. */
interface Version {
  readonly buffer: SharedArrayBuffer;
  readonly length: number;
  broadcast?: Broadcast;
}

/** By number; those for clients that have the version before under their negative number. */
const versions = new Map<number, Version>();
let parameters: Vector | undefined;

const loading: Promise<Loaded | undefined> = load();

async function load(): Promise<Loaded | undefined> {
  try {
    const executor = await openExecutor(executorName);
    const loaded = {
      tasks: await openTasks(executor, simulation.task),
      evaluation: await executor.load(simulation.evaluation.program),
      train: openDataSource(simulation.train),
      test: openDataSource(simulation.test),
      holdout: simulation.holdout === undefined ? undefined : openDataSource(simulation.holdout),
      attackTest: simulation.attackTest === undefined ? undefined : openDataSource(simulation.attackTest),
    };
    post({ type: "ready" });
    return loaded;
  } catch (error) {
    post({ type: "broken", ...describeFailure(error) });
    port.close(); // nothing is left to do
    return undefined;
  }
}

async function handle(loaded: Loaded, message: ToWorker): Promise<void> {
  switch (message.type) {
    case "publish":
      versions.set(messageKey(message), { buffer: message.buffer, length: message.length });
      return;
    case "retire":
      versions.delete(message.version);
      versions.delete(messageKey({ version: message.version, change: true }));
      return;
    case "parameters":
      parameters =
        simulation.task.float === "float64"
          ? new Float64Array(message.buffer).slice()
          : new Float32Array(message.buffer).slice();
      return;
    case "train":
      return train(loaded, message);
    case "evaluate": {
      const source = loaded[message.source]!;
      const sums = await evaluateRange(simulation.evaluation, loaded.evaluation, parameters!, source, message.range);
      return post({ type: "evaluated", id: message.id, sums });
    }
    case "close":
      await loaded.tasks.release();
      await loaded.evaluation.release();
      port.close();
  }
}

async function train(loaded: Loaded, message: Extract<ToWorker, { type: "train" }>): Promise<void> {
  const started = processorTime();
  const { id, slot, client, learningRate, steps, part, keys } = message;
  const { clientState: state } = simulation.task;
  const { spec, executable } = loaded.tasks.of(part);
  const memory = {
    update: slotVectors(simulation.task, slot, layout.updates[part ?? 0]!, messageLayouts(simulation.task, part)),
    state: slotVectors(simulation.task, slot, layout.newState, state),
  };
  let runningMilliseconds = 0;
  const outcome = await runClient(
    spec,
    withTiming(executable, (milliseconds) => {
      runningMilliseconds += milliseconds;
    }),
    {
      client,
      learningRate,
      steps,
      part,
      keys,
      broadcast: broadcastOf(versions.get(messageKey(message))!),
      own: copies(slotVectors(spec, slot, layout.own, spec.own ?? {})),
      state: message.hasState ? copies(slotVectors(simulation.task, slot, layout.oldState, state)) : undefined,
      data: loaded.train.load(client, message.version),
      allocate: (kind, name) => memory[kind][name],
    },
  );
  const length = encodeInto(outcome.update, new Uint8Array(slot));
  post({
    type: "trained",
    id,
    length,
    norm: outcome.norm,
    compression: outcome.compression,
    milliseconds: processorTime() - started,
    runningMilliseconds,
  });
}

function messageKey({ version, change }: { readonly version: number; readonly change: boolean }): number {
  return change ? -version : version;
}

/** One private copy per version: ONNX Runtime refuses tensors over shared buffers. */
function broadcastOf(version: Version): Broadcast {
  version.broadcast ??= decodeBroadcast(new Uint8Array(version.buffer).slice(0, version.length));
  return version.broadcast;
}

/** Private copies: ONNX Runtime refuses tensors over shared buffers. */
function copies(vectors: Readonly<Record<string, Vector>>): Record<string, Vector> {
  return Object.fromEntries(Object.entries(vectors).map(([name, vector]) => [name, vector.slice()]));
}

/** Milliseconds this thread has computed: waiting for a processor that others use does not count. */
function processorTime(): number {
  if (!measure) return 0;
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** The same program, telling how long its runs take. */
function withTiming(executable: Executable, tell: (milliseconds: number) => void): Executable {
  return {
    async run(inputs) {
      const started = processorTime();
      const outputs = await executable.run(inputs);
      tell(processorTime() - started);
      return outputs;
    },
    release: () => executable.release(),
  };
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
