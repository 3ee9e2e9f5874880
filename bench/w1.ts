import {
  memoryBlobStore,
  memoryClientStates,
  prepareRun,
  type RunEvent,
  resolveConfig,
  runFederation,
} from "@anabranch/core";
import { fingerprint } from "@anabranch/engine";
import { openExecutor, WorkerPool } from "@anabranch/node";
import { randomImages } from "./lib/random-images.ts";
import { type BenchCheck, type BenchOptions, type BenchResult, type BenchRow, count, median } from "./lib/result.ts";
import { startTorch } from "./lib/torch-peer.ts";

/** Clients and images of the workload; random bytes stand in for CIFAR-10. */
const CLIENTS = 1000;
const IMAGES = 50;
const COHORT = 50;

/** Seconds of a round; `loop`: processor milliseconds a client on the thread of the round loop. */
interface Sides {
  readonly ours: number[];
  readonly cpu: number[];
  readonly loop: number[];
  readonly torch: number[];
  readonly torchCpu: number[];
}

/**
 * The field's usual simulation benchmark on the whole path (sampler, broadcast, workers, encoded updates, fold, server
 * half): seconds for a round of 50 clients. `--rounds` (default 7) after a warm-up, `--workers` (default 2). With
 * `--peer torch --python PATH` a hand-written torch loop with two threads takes its turn after each of our rounds.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const rounds = count(options, "rounds", 7);
  const workers = count(options, "workers", 2);
  const peer = options.peer === "torch" ? await startTorch(options.python ?? "python3", "torch_w1.py") : undefined;
  const executor = await openExecutor("onnxruntime-node");
  const { name, version, float } = executor;
  const data = randomImages({ shape: [3, 32, 32], train: CLIENTS * IMAGES, test: 100 });
  const config = resolveConfig({
    rounds: rounds + 1,
    data: { dataset: "random", clients: CLIENTS, partition: { scheme: "iid" } },
    model: { name: "cnn-cifar" },
    training: { localEpochs: 1, batchSize: 10, learningRate: 0.1 },
    sampler: { cohort: COHORT },
    aggregation: { weighting: "uniform" },
    evaluation: { every: 0 },
    checkpoint: { every: rounds + 1 },
  });
  const identity = { name, version, float, fingerprint: await fingerprint(executor) };
  const { plan, simulation } = prepareRun(config, data, identity, workers, "w1");
  const pool = await WorkerPool.start(simulation, { executor: name, workers, measure: true });
  const sides: Sides = { ours: [], cpu: [], loop: [], torch: [], torchCpu: [] };
  let warm = pool.work;
  let begun = { loop: 0, all: 0 };
  const emit = async (event: RunEvent) => {
    const now = { loop: processorTime(process.threadCpuUsage()), all: processorTime(process.cpuUsage()) };
    if (event.type === "round.started") begun = now;
    if (event.type !== "round.finished") return;
    const theirs = peer === undefined ? 0 : (await peer.measure("w1", 1)) / 1e3;
    if (event.round === 1) {
      warm = { ...pool.work };
      return; // warm-up of both sides
    }
    sides.ours.push(event.seconds);
    sides.cpu.push((now.all - begun.all) / 1e3);
    sides.loop.push((now.loop - begun.loop) / COHORT);
    if (peer === undefined) return;
    sides.torch.push(theirs);
    if (sides.torchCpu.length < 3) sides.torchCpu.push((await peer.measure("w1-cpu", 1)) / 1e3);
  };
  const ports = {
    backend: pool,
    evaluator: pool,
    checkpoints: memoryBlobStore(),
    clientStates: memoryClientStates(),
    emit,
  };
  const result = await runFederation(plan, ports);
  const own = ownTime(warm, pool.work, sides);
  await pool.close();
  peer?.close();
  const rows: BenchRow[] = [{ label: `anabranch, ${workers} workers`, values: seconds(sides.ours, sides.cpu) }];
  const checks: BenchCheck[] = [];
  if (peer !== undefined) {
    rows.push({ label: `torch ${peer.version}, 2 threads`, values: seconds(sides.torch, sides.torchCpu) });
    const ratio = median(sides.ours) / median(sides.torch);
    checks.push({ name: "round time over torch's", value: ratio, target: 1, better: "smaller" });
    const ratioCpu = median(sides.cpu) / median(sides.torchCpu);
    checks.push({ name: "processor time of a round over torch's", value: ratioCpu, target: 1, better: "smaller" });
  }
  rows.push(...own.rows);
  checks.push({ name: "our time outside the program, % of it", value: own.share * 100, target: 5, better: "smaller" });
  return {
    name: `w1: rounds of ${COHORT} clients`,
    rows,
    checks,
    notes: [
      "cpu: processor time of a round over all threads; torch's of the same loop on one thread, without spinning",
      `hash of the model after ${rounds + 1} rounds: ${result.modelHash}`,
    ],
  };
}

/** Milliseconds of computing: waiting for a processor that others use does not count. */
function processorTime({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

/**
 * Processor time of the whole process per client task: in the program, around it in the worker, on the thread of the round
 * loop, and on all other threads. What is not in the program is our own.
 */
function ownTime(before: WorkerPool["work"], after: WorkerPool["work"], sides: Pick<Sides, "cpu" | "loop">) {
  const tasks = after.tasks - before.tasks;
  const all = (sides.cpu.reduce((sum, seconds) => sum + seconds, 0) * 1e3) / tasks;
  const loop = sides.loop.reduce((sum, milliseconds) => sum + milliseconds, 0) / sides.loop.length;
  const program = (after.runningMilliseconds - before.runningMilliseconds) / tasks;
  const around = (after.milliseconds - before.milliseconds) / tasks - program;
  const row = (label: string, milliseconds: number): BenchRow => ({
    label,
    values: { "cpu ms per client": milliseconds },
  });
  return {
    share: (all - program) / program,
    rows: [
      row("in the program", program),
      row("around it in the worker: masks, copies, encoding", around),
      row("on the thread of the round loop: fold, server half, messages", loop),
      row("on other threads: collection of garbage, compilation, waiting that spins", all - program - around - loop),
    ],
  };
}

function seconds(values: readonly number[], cpu: readonly number[]): Record<string, number> {
  return { "s median": median(values), "s best": Math.min(...values), "cpu s": median(cpu) };
}
