import { compileProgram, type Executable, matmul, onnxruntimeNode, trace } from "@anabranch/engine";
import { caseInputs, type EngineCase, engineCases, scanProgram, stepProgram } from "./lib/engine-cases.ts";
import { type BenchCheck, type BenchOptions, type BenchResult, type BenchRow, count, median } from "./lib/result.ts";
import { startTorch, type TorchPeer } from "./lib/torch-peer.ts";

/** Steps of one timed call: long enough to be read on the clock, short enough that the two sides alternate often. */
const stepsPerCall: Readonly<Record<string, number>> = { mlp: 100, cnn: 5, vit: 4, w1: 10 };
/** Share of ONNX Runtime's MatMul rate to reach, and how many times faster than torch. */
const targets: Readonly<Record<string, { share?: number; torch: number }>> = {
  mlp: { share: 0.73, torch: 1.4 },
  cnn: { share: 0.45, torch: 1.05 },
  vit: { share: 0.8, torch: 1.5 },
  w1: { torch: 1.05 },
};

/** Milliseconds per step of every turn; processor time but for `wall`. */
interface Sides {
  readonly ours: number[];
  readonly wall: number[];
  readonly stepping: number[];
  readonly torch: number[];
}

/**
 * Whole training steps (forward, backward, SGD) on one thread, K steps in one call and one step a call, against ONNX
 * Runtime's own 1024 x 1024 x 1024 product in the same process and, with `--peer torch --python PATH`, against torch.
 * Times are processor times: one thread each, so they are the steps' own whatever else the machine does. `--rounds`
 * (default 9) turns for each case, `--only mlp,cnn` to choose.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const executor = await onnxruntimeNode();
  const peer = options.peer === "torch" ? await startTorch(options.python ?? "python3", "torch_engine.py") : undefined;
  const rounds = count(options, "rounds", 9);
  const chosen = engineCases.filter((c) => options.only === undefined || options.only.split(",").includes(c.name));
  let product = Number.POSITIVE_INFINITY;
  let torchProduct = Number.POSITIVE_INFINITY;
  const rows: BenchRow[] = [];
  const measured: { case: EngineCase; sides: Sides }[] = [];
  for (const c of chosen) {
    product = Math.min(product, await bestProduct(executor));
    if (peer !== undefined) torchProduct = Math.min(torchProduct, await peer.measure("matmul", 20));
    measured.push({ case: c, sides: await measureCase(executor, c, rounds, peer) });
  }
  product = Math.min(product, await bestProduct(executor));
  const rate = (2 * 1024 ** 3) / 1e6 / product;
  const checks: BenchCheck[] = [];
  for (const { case: c, sides } of measured) {
    const ours = median(sides.ours);
    const share = c.gflop / Math.min(...sides.ours) / (rate / 1e3);
    const target = targets[c.name]!;
    const values: Record<string, number | string> = {
      "ms/step": ours,
      best: Math.min(...sides.ours),
      wall: median(sides.wall),
      stepping: median(sides.stepping),
      "% MatMul": share * 100,
    };
    if (target.share !== undefined) {
      checks.push({ name: `${c.name} share of the MatMul rate`, value: share, target: target.share, better: "larger" });
    }
    if (peer !== undefined) {
      const ratio = median(sides.torch) / ours;
      Object.assign(values, { torch: median(sides.torch), "torch best": Math.min(...sides.torch), ratio });
      checks.push({ name: `${c.name} times faster than torch`, value: ratio, target: target.torch, better: "larger" });
    }
    rows.push({ label: c.name, values });
  }
  peer?.close();
  const notes = [
    `MatMul 1024^3: ${product.toFixed(2)} ms, ${rate.toFixed(0)} GFLOP/s (onnxruntime ${executor.version})`,
  ];
  if (peer !== undefined) {
    notes.push(`torch ${peer.version}, one thread; its MatMul 1024^3: ${torchProduct.toFixed(2)} ms`);
  }
  return { name: "engine: whole training steps, one thread", rows, checks, notes };
}

/** Milliseconds of the 1024^3 product, best of 20. */
async function bestProduct(executor: Awaited<ReturnType<typeof onnxruntimeNode>>): Promise<number> {
  const type = { dtype: "float", shape: [1024, 1024] } as const;
  const executable = await executor.load(
    compileProgram(
      "product",
      trace(({ a, b }) => matmul(a, b), { a: type, b: type }),
    ),
  );
  const operand = { ...type, data: new Float32Array(1024 * 1024).fill(0.5) };
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 20; i++)
    best = Math.min(best, (await measureTime(() => executable.run({ a: operand, b: operand }))).cpu);
  await executable.release();
  return best;
}

async function measureTime(work: () => Promise<unknown>): Promise<{ wall: number; cpu: number }> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const wall = performance.now() - start;
  const used = process.cpuUsage(cpu);
  return { wall, cpu: (used.user + used.system) / 1e3 };
}

async function measureCase(
  executor: Awaited<ReturnType<typeof onnxruntimeNode>>,
  c: EngineCase,
  rounds: number,
  peer: TorchPeer | undefined,
): Promise<Sides> {
  const steps = stepsPerCall[c.name]!;
  const whole = await executor.load(scanProgram(c));
  const single = await executor.load(stepProgram(c));
  const wholeInputs = caseInputs(c, steps);
  const singleInputs = caseInputs(c);
  const stepping = async (executable: Executable) => {
    for (let i = 0; i < steps; i++) await executable.run(singleInputs);
  };
  await whole.run(wholeInputs);
  await stepping(single);
  const sides: Sides = { ours: [], wall: [], stepping: [], torch: [] };
  for (let round = 0; round < rounds; round++) {
    const { wall, cpu } = await measureTime(() => whole.run(wholeInputs));
    sides.ours.push(cpu / steps);
    sides.wall.push(wall / steps);
    if (peer !== undefined) sides.torch.push(await peer.measure(c.name, steps));
    if (round < 5) sides.stepping.push((await measureTime(() => stepping(single))).cpu / steps);
  }
  await whole.release();
  await single.release();
  return sides;
}
