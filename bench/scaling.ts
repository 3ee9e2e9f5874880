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
import { smallCnn } from "./lib/small-cnn.ts";

const CLIENTS = 100;
const IMAGES = 50_000;

interface Side {
  readonly workers: number;
  readonly seconds: number[];
  readonly hashes: string[];
}

/**
 * 100 clients with two classes each, all in every round, batch 50, a CNN of 62,006 parameters: the time of
 * a round at each number of workers and whether all give the same bits. `--workers 1,2,4` takes the numbers, `--rounds`
 * (default 3) of each after a warm-up, in turns so that all see the same machine. The published
 * workload has 5 local epochs: `--epochs 5` (default 1).
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const rounds = count(options, "rounds", 3);
  const numbers = (options.workers ?? "1,2,4").split(",").map(Number);
  const executor = await openExecutor("onnxruntime-node");
  const { name, version, float } = executor;
  const identity = { name, version, float, fingerprint: await fingerprint(executor) };
  const data = randomImages({ shape: [3, 32, 32], train: IMAGES, test: 100 });
  const config = resolveConfig({
    rounds: rounds + 1,
    data: { dataset: "random", clients: CLIENTS, partition: { scheme: "shards", classesPerClient: 2 } },
    training: { localEpochs: count(options, "epochs", 1), batchSize: 50, learningRate: 0.1 },
    sampler: { cohort: CLIENTS },
    evaluation: { every: 0 },
    checkpoint: { every: rounds + 1 },
  });
  const turns = new Turns(numbers.length);
  const sides = await Promise.all(
    numbers.map(async (workers, index): Promise<Side> => {
      const { plan, simulation } = prepareRun(config, data, identity, workers, "scaling", { model: smallCnn() });
      const pool = await WorkerPool.start(simulation, { executor: name, workers });
      const side: Side = { workers, seconds: [], hashes: [] };
      let begun = 0;
      const emit = async (event: RunEvent) => {
        if (event.type === "round.started") {
          await turns.begin(index);
          begun = performance.now();
        }
        if (event.type !== "round.finished") return;
        if (event.round > 1) side.seconds.push((performance.now() - begun) / 1e3);
        turns.end(index);
      };
      const ports = { backend: pool, evaluator: pool, emit };
      const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
      side.hashes.push((await runFederation(plan, { ...ports, ...stores })).modelHash);
      await pool.close();
      return side;
    }),
  );
  return report(sides);
}

/** Lets several runs take one round each in turn. */
class Turns {
  readonly #sides: number;
  readonly #waiting = new Map<number, () => void>();
  #next = 0;

  constructor(sides: number) {
    this.#sides = sides;
  }

  async begin(index: number): Promise<void> {
    if (this.#next !== index) await new Promise<void>((resolve) => this.#waiting.set(index, resolve));
  }

  end(index: number): void {
    this.#next = (index + 1) % this.#sides;
    this.#waiting.get(this.#next)?.();
    this.#waiting.delete(this.#next);
  }
}

function report(sides: readonly Side[]): BenchResult {
  const rows = sides.map(({ workers, seconds, hashes }): BenchRow => {
    const values = { "s per round": median(seconds), best: Math.min(...seconds), "model hash": hashes[0]! };
    return { label: `${workers} workers`, values };
  });
  const different = new Set(sides.flatMap(({ hashes }) => hashes)).size;
  const slowdowns = sides.slice(1).map((side, i): BenchCheck => {
    const before = sides[i]!;
    return {
      name: `round time with ${side.workers} workers over that with ${before.workers}`,
      value: median(side.seconds) / median(before.seconds),
      target: 1.05, // noise of a shared machine
      better: "smaller",
    };
  });
  return {
    name: `scaling: ${CLIENTS} clients in every round, CNN of 62,006 parameters`,
    rows,
    checks: [{ name: "different model hashes", value: different, target: 1, better: "smaller" }, ...slowdowns],
    notes: [],
  };
}
