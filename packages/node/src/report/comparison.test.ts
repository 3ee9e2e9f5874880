import { describe, expect, it } from "vitest";
import { compareGroups, spread } from "./comparison.ts";
import { comparisonTable, endNotes } from "./comparison-table.ts";
import { parseRun, type RunData } from "./run-data.ts";
import { groupBySeed } from "./run-groups.ts";

interface Written {
  readonly name?: string;
  readonly seed?: number;
  readonly accuracies: readonly number[];
  readonly gradientsPerStep?: number;
  readonly diverged?: boolean;
  readonly config?: string;
}

/** A run that uploads 100 bytes and takes 5 local steps in each of its rounds, and is evaluated after every one. */
function run({ name = "r", seed = 1, accuracies, gradientsPerStep, diverged = false, config = "" }: Written): RunData {
  const rounds = accuracies.flatMap((accuracy, i) => [
    { type: "round.finished", round: i + 1, clients: 2, bytesUp: 100, steps: 5 },
    { type: "evaluation", round: i + 1, split: "test", accuracy },
  ]);
  const end = diverged ? [{ type: "run.stopped", round: accuracies.length, reason: "diverged" }] : [];
  const events = [{ type: "run.started", name, seed, algorithm: "fedavg", gradientsPerStep }, ...rounds, ...end];
  return parseRun({ events: events.map((event) => JSON.stringify(event)).join("\n"), config });
}

describe("spread", () => {
  it("is the mean and the sample standard deviation of what is known", () => {
    // mean 0.6; squares 0.04 + 0 + 0.04 = 0.08; / 2 = 0.04; root 0.2
    const { mean, deviation, n } = spread([0.4, 0.6, Number.NaN, 0.8]);
    expect(mean).toBeCloseTo(0.6, 12);
    expect(deviation).toBeCloseTo(0.2, 12);
    expect(n).toBe(3);
    expect(spread([0.4])).toEqual({ mean: 0.4, deviation: null, n: 1 });
    expect(spread([Number.NaN])).toEqual({ mean: null, deviation: null, n: 0 });
  });
});

describe("compareGroups", () => {
  const slow = run({ seed: 1, accuracies: [0.1, 0.3, 0.5, 0.7], gradientsPerStep: 2 });
  const fast = run({ seed: 2, accuracies: [0.5, 0.6, 0.8, 0.6], gradientsPerStep: 2 });

  it("means over seeds, and the cost of a target over those that reach it", () => {
    const { target, rows } = compareGroups([{ label: "both", runs: [slow, fast] }], { target: 0.6 });
    expect(target).toBe(0.6);
    const [row] = rows;
    expect(row).toMatchObject({ label: "both", algorithm: "fedavg", seeds: [1, 2] });
    expect(row!.accuracy.mean).toBeCloseTo(0.65, 12);
    expect(row!.accuracy.deviation).toBeCloseTo(Math.sqrt(0.005), 12); // 2 * 0.05^2 / 1
    expect(row!.recentAccuracy.mean).toBeCloseTo((0.5 + 2 / 3) / 2, 12);
    expect(row!.bestAccuracy.mean).toBeCloseTo(0.75, 12);
    // rounds 4 and 2; 400 and 200 bytes; 4 and 2 rounds of 5 steps with 2 gradients
    expect(row!.toTarget).toEqual({ reached: 2, rounds: 3, bytesUp: 300, gradients: 30 });
    const higher = compareGroups([{ label: "both", runs: [slow, fast] }], { target: 0.75 });
    expect(higher.rows[0]!.toTarget).toEqual({ reached: 1, rounds: 3, bytesUp: 300, gradients: 30 });
    const never = compareGroups([{ label: "both", runs: [slow, fast] }], { target: 0.9 });
    expect(never.rows[0]!.toTarget).toEqual({ reached: 0, rounds: null, bytesUp: null, gradients: null });
  });

  it("compares an earlier round and ignores a run that has not reached it", () => {
    const short = run({ seed: 3, accuracies: [0.9] });
    const { atRound, rows } = compareGroups([{ label: "all", runs: [slow, fast, short] }], { atRound: 2 });
    expect(atRound).toBe(2);
    expect(rows[0]!.accuracy).toMatchObject({ mean: expect.closeTo(0.45, 12), n: 2 });
    expect(rows[0]!.bestAccuracy.mean).toBeCloseTo(0.45, 12);
    expect(rows[0]!.recentAccuracy.mean).toBeCloseTo((0.2 + 0.55) / 2, 12);
  });

  it("takes as the target what every sound run reaches", () => {
    const diverged = run({ seed: 3, accuracies: [0.1], diverged: true });
    expect(compareGroups([{ label: "all", runs: [slow, fast, diverged] }]).target).toBe(0.7);
    expect(compareGroups([{ label: "none", runs: [diverged] }]).target).toBeNull();
  });

  it("knows no gradients of runs that did not count them", () => {
    const [row] = compareGroups([{ label: "old", runs: [run({ accuracies: [0.5] })] }], { target: 0.5 }).rows;
    expect(row!.toTarget).toEqual({ reached: 1, rounds: 1, bytesUp: 100, gradients: null });
  });
});

describe("comparisonTable", () => {
  it("writes means with their spread, and costs with how many reach the target", () => {
    const runs = [
      run({ seed: 1, accuracies: [0.5, 0.7], gradientsPerStep: 1 }),
      run({ seed: 2, accuracies: [0.9, 0.8], gradientsPerStep: 1 }),
    ];
    const { heads, rows, notes } = comparisonTable(compareGroups([{ label: "x", runs }], { target: 0.75 }), true);
    expect(heads.slice(-3)).toEqual(["rounds to 75.0 %", "up to 75.0 %", "gradients to 75.0 %"]);
    expect(rows).toEqual([
      ["x", "1 2", "75.00 ± 7.07 %", "72.50 ± 17.68 %", "80.00 ± 14.14 %", "1 (1/2)", "100 B", "5"],
    ]);
    expect(notes.join(" ")).not.toContain("highest accuracy");
  });
});

describe("endNotes", () => {
  it("name the rows whose runs are not all whole", () => {
    const notes = endNotes([
      { label: "sound", ends: ["finished", "finished"] },
      { label: "mixed", ends: ["finished", "diverged", "interrupted", "diverged"] },
    ]);
    expect(notes).toEqual([
      "mixed: 2 of 4 runs diverged, 1 of 4 runs not finished; its metrics are those of where each run ended.",
    ]);
  });
});

describe("groupBySeed", () => {
  const config = (name: string, seed: number, alpha: number) =>
    `name = "${name}"\nseed = ${seed}\n[data.partition]\nalpha = ${alpha}`;
  const of = (name: string, seed: number, alpha: number) =>
    run({ name, seed, accuracies: [0.5], config: config(name, seed, alpha) });

  it("puts seeds of one configuration together, counts a seed once and tells groups of one name apart", () => {
    const groups = groupBySeed([of("a", 1, 0.1), of("a", 1, 0.6), of("a", 2, 0.1), of("b", 3, 0.6), of("a", 2, 0.1)]);
    expect(groups.map(({ label, runs }) => [label, runs.map(({ start }) => start?.seed)])).toEqual([
      ["a, alpha 0.1", [1, 2]],
      ["a, alpha 0.6", [1, 3]],
    ]);
  });

  it("leaves a run alone whose configuration cannot be read", () => {
    const broken = run({ name: "x", accuracies: [0.5], config: "seed = = 1" });
    expect(groupBySeed([broken, broken]).map(({ runs }) => runs.length)).toEqual([1, 1]);
  });
});
