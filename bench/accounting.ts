import { type Accountant, type PrivacyEventInput, pldAccountant, rdpAccountant } from "@anabranch/core";
import { type BenchOptions, type BenchResult, count, median } from "./lib/result.ts";

const ROUNDS = 10_000;
const DISTINCT = 20;

/**
 * Epsilon of 10,000 rounds with 20 distinct Poisson-subsampled Gaussian events, given one by one: grouping, composition
 * and conversion by Rényi divergences and by privacy loss distributions. Every repetition has a fresh accountant, so
 * nothing is kept from the one before; `--repetitions` (default 7) of each.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const repetitions = count(options, "repetitions", 7);
  const events: PrivacyEventInput[] = Array.from({ length: ROUNDS }, (_, round) => ({
    kind: "poisson-gaussian",
    samplingRate: 0.01 + (round % DISTINCT) * 0.001,
    noiseMultiplier: 1 + (round % DISTINCT) * 0.05,
  }));
  const rdp = measure(() => rdpAccountant(), events, repetitions);
  const pld = measure(() => pldAccountant(), events, repetitions);
  return {
    name: `accounting: epsilon of ${ROUNDS} rounds with ${DISTINCT} distinct events at delta 1e-5`,
    rows: [
      { label: "rdp", values: rdp },
      { label: "pld", values: pld },
    ],
    checks: [
      { name: "rdp, ms median", value: rdp["ms median"], target: 100, better: "smaller" },
      { name: "pld, ms median", value: pld["ms median"], target: 2000, better: "smaller" },
    ],
    notes: ["ms first: before the code is compiled, as one call of the command pays it"],
  };
}

function measure(create: () => Accountant, events: readonly PrivacyEventInput[], repetitions: number) {
  const times: number[] = [];
  const cpu: number[] = [];
  let statement = create().epsilon([], 1e-5);
  for (let i = 0; i <= repetitions; i++) {
    const before = process.cpuUsage();
    const start = performance.now();
    statement = create().epsilon(events, 1e-5);
    times.push(performance.now() - start);
    const used = process.cpuUsage(before);
    cpu.push((used.user + used.system) / 1e3);
  }
  const [first, ...warm] = times;
  return {
    epsilon: statement.epsilon,
    "at least": statement.lowerBound ?? "",
    "ms first": first!,
    "ms median": median(warm),
    "ms best": Math.min(...warm),
    "cpu ms median": median(cpu.slice(1)),
  };
}
