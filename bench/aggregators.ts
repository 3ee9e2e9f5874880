import { aggregate, deriveKey, type RobustRule, randomStream, rootKey } from "@anabranch/core";
import { type BenchOptions, type BenchResult, count, median } from "./lib/result.ts";

const UPDATES = 50;
const SIZE = 1_626_442;
const F = 10;

const RULES: Readonly<Record<string, RobustRule>> = {
  median: { name: "median" },
  "trimmed mean": { name: "trimmed-mean", byzantine: F },
  Krum: { name: "krum", byzantine: F },
  "geometric median, 8 passes": { name: "geometric-median", iterations: 8, smoothing: 1e-6 },
  "NNM + trimmed mean": { name: "trimmed-mean", byzantine: F, before: [{ name: "nnm", byzantine: F }] },
  "centred clipping": { name: "centred-clipping", radius: 1 },
  MeaMed: { name: "meamed", byzantine: F },
};

/**
 * Robust rules on `--updates` (50) updates of 1,626,442 float32 with f = 10, on one thread: `--rounds` (3) turns after one
 * that compiles the code. The targets are the best times of ByzFL (PyTorch) on a machine of two cores.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const rounds = count(options, "rounds", 3);
  const updates = Array.from({ length: count(options, "updates", UPDATES) }, (_, k) => randomVector(k));
  const rows = Object.entries(RULES).map(([label, rule]) => {
    const times: number[] = [];
    const cpu: number[] = [];
    let memory = 0;
    for (let round = 0; round <= rounds; round++) {
      const before = process.memoryUsage().rss;
      const [start, used] = [performance.now(), process.cpuUsage()];
      aggregate(rule, updates);
      const { user, system } = process.cpuUsage(used);
      memory = Math.max(memory, process.memoryUsage().rss - before);
      if (round === 0) continue; // the code is compiled
      times.push(performance.now() - start);
      cpu.push((user + system) / 1e3);
    }
    const values = { "ms median": median(times), "ms best": Math.min(...times), "cpu ms best": Math.min(...cpu) };
    return { label, values: { ...values, "MB more": Math.round(memory / 1e6) } };
  });
  const best = (label: string) => rows.find((row) => row.label === label)!.values["ms best"];
  const peers = { "trimmed mean": 489, median: 2094, Krum: 2836, "centred clipping": 258, MeaMed: 8913 };
  const checks = Object.entries(peers).map(([label, target]) => {
    return { name: `${label}, ms best`, value: best(label), target, better: "smaller" as const };
  });
  return { name: `aggregators: ${updates.length} x ${SIZE} float32, f = ${F}`, rows, checks, notes: [] };
}

function randomVector(k: number): Float32Array {
  const words = new Uint32Array(SIZE);
  randomStream(deriveKey(rootKey(0), "update", k)).uint32s(words);
  return Float32Array.from(words, (word) => (word / 2 ** 32 - 0.5) / 64);
}
