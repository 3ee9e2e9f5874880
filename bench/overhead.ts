import {
  type Backend,
  type Evaluator,
  fedavg,
  inProcessSimulation,
  memoryBlobStore,
  memoryClientStates,
  prepareQuadratics,
  type RunEvent,
  runFederation,
} from "@anabranch/core";
import { openExecutor, WorkerPool } from "@anabranch/node";
import { InferenceSession } from "onnxruntime-node";
import { type BenchCheck, type BenchOptions, type BenchResult, type BenchRow, count, median } from "./lib/result.ts";

/** Rounds before the clock counts: code is compiled by then. */
const WARM_UP = 4;

/**
 * Our own time for a client task whose model does nothing (a quadratic of two parameters, one local step): processor time
 * of the process per task without that of ONNX Runtime, on one thread and with a worker. `--clients` (default 500) in
 * every round, `--rounds` (default 15).
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const clients = count(options, "clients", 500);
  const rounds = count(options, "rounds", 15) + WARM_UP;
  const executor = await openExecutor("onnxruntime-node");
  const everyone = Array.from({ length: clients }, (_, i) => i);
  const { plan, simulation } = prepareQuadratics(
    fedavg(),
    {
      a: everyone.map(() => [1, 2]),
      b: everyone.map((i) => [i, -i]),
      x0: [0, 0],
      learningRate: 0.1,
      localSteps: 1,
      cohorts: Array.from({ length: rounds }, () => everyone),
    },
    executor,
  );
  const measure = async (ports: { backend: Backend; evaluator: Evaluator }, programs: () => number) => {
    const [total, program, wall]: [number[], number[], number[]] = [[], [], []];
    let mark = { total: 0, program: 0, time: 0 };
    const emit = (event: RunEvent) => {
      const now = { total: processorTime(), program: programs(), time: performance.now() };
      if (event.type === "round.started") mark = now;
      if (event.type !== "round.finished" || event.round <= WARM_UP) return;
      total.push((now.total - mark.total) / clients);
      program.push((now.program - mark.program) / clients);
      wall.push((now.time - mark.time) / clients);
    };
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    await runFederation({ ...plan, checkpointEvery: rounds }, { ...ports, ...stores, emit });
    return { total: median(total), program: median(program), wall: median(wall) };
  };

  const sessions = timeSessions();
  const single = await inProcessSimulation(simulation, executor);
  const alone = await measure(single, () => sessions.milliseconds);
  await single.close();
  sessions.restore();
  const pool = await WorkerPool.start(simulation, { executor: executor.name, workers: 1 });
  const worker = await measure({ backend: pool, evaluator: pool }, () => 0);
  await pool.close();

  // taking the time of every task in the worker would add to it: the program is the same on one thread
  const own = (ports: typeof alone) => ports.total - alone.program;
  const row = (label: string, ports: typeof alone): BenchRow => ({
    label,
    values: { "own cpu ms per task": own(ports), "program cpu ms": alone.program, "wall ms per task": ports.wall },
  });
  const check = (label: string, ports: typeof alone): BenchCheck => ({
    name: `own ms per client task, ${label}`,
    value: own(ports),
    target: 0.2,
    better: "smaller",
  });
  return {
    name: `overhead: ${clients} client tasks of a model that does nothing`,
    rows: [row("one thread", alone), row("one worker", worker)],
    checks: [check("one thread", alone), check("one worker", worker)],
    notes: ["own time: of all threads together, garbage collection included, without session.run"],
  };
}

/** Milliseconds that all threads of the process have computed. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Adds up the processor time of all calls of ONNX Runtime on this thread. */
function timeSessions(): { readonly milliseconds: number; restore(): void } {
  const { prototype } = InferenceSession as unknown as { prototype: { run(...inputs: unknown[]): Promise<unknown> } };
  const original = prototype.run;
  const time = { milliseconds: 0, restore: () => void Object.assign(prototype, { run: original }) };
  prototype.run = async function (...inputs) {
    const started = process.threadCpuUsage();
    const outputs = await original.apply(this, inputs);
    const { user, system } = process.threadCpuUsage(started);
    time.milliseconds += (user + system) / 1000;
    return outputs;
  };
  return time;
}
