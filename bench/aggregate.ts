import { deriveKey, fold, hashVector, randomStream, rootKey } from "@anabranch/core";
import { type BenchOptions, type BenchResult, count, median } from "./lib/result.ts";

const UPDATES = 50;
const SIZE = 1_626_442;

/**
 * Weighted mean of 50 updates of 1,626,442 float32: one by one and all at once. `--rounds` (default 9) turns; both must
 * give the same bits.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const rounds = count(options, "rounds", 9);
  const updates = Array.from({ length: UPDATES }, (_, k) => randomVector(k));
  const weights = updates.map((_, k) => 20 + ((k * 7) % 41));
  const sequential = fold("weightedMean", SIZE);
  const out = sharedVector();
  const ways: Record<string, () => Promise<unknown>> = {
    "one by one": async () => {
      for (const [k, update] of updates.entries()) sequential.add(update, weights[k]!);
      return sequential.result(out);
    },
    "all at once": async () => {
      sequential.addAll(updates, weights);
      return sequential.result(out);
    },
  };
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, [] as number[]]));
  const cpu = Object.fromEntries(Object.keys(ways).map((name) => [name, [] as number[]]));
  const hashes = new Set<string>();
  for (let round = 0; round < rounds + 2; round++) {
    for (const [name, way] of Object.entries(ways)) {
      sequential.reset();
      out.fill(0);
      const before = process.cpuUsage();
      const start = performance.now();
      await way();
      const elapsed = performance.now() - start;
      const used = process.cpuUsage(before);
      if (round >= 2) times[name]!.push(elapsed); // before that the code is compiled
      if (round >= 2) cpu[name]!.push((used.user + used.system) / 1e3);
      hashes.add(hashVector(out.slice()));
    }
  }
  if (hashes.size !== 1) throw new Error(`the results differ: ${[...hashes].join(", ")}`);
  const gigabytes = (UPDATES * SIZE * 4) / 1e9;
  const rows = Object.entries(times).map(([label, values]) => {
    const best = Math.min(...values);
    const busy = Math.min(...cpu[label]!);
    const rate = gigabytes / (best / 1e3);
    return { label, values: { "ms median": median(values), "ms best": best, "cpu ms best": busy, "GB/s best": rate } };
  });
  const milliseconds = median(times["all at once"]!);
  return {
    name: `aggregate: weighted mean of ${UPDATES} x ${SIZE} float32`,
    rows,
    checks: [{ name: "ms all at once, median", value: milliseconds, target: 45, better: "smaller" }],
    notes: [`both ways give the same bits (${[...hashes][0]})`],
  };
}

function sharedVector(): Float32Array {
  return new Float32Array(new SharedArrayBuffer(4 * SIZE) as unknown as ArrayBuffer);
}

function randomVector(k: number): Float32Array {
  const words = new Uint32Array(SIZE);
  randomStream(deriveKey(rootKey(0), "update", k)).uint32s(words);
  const vector = sharedVector();
  for (let i = 0; i < SIZE; i++) vector[i] = (words[i]! / 2 ** 32 - 0.5) / 64;
  return vector;
}
