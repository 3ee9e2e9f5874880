import { describe, expect, it } from "vitest";
import { compareGroups, groupLabel, spread } from "./comparison.ts";
import { comparisonCsv, comparisonLatex } from "./comparison-files.ts";
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
    { type: "round.finished", round: i + 1, clients: 2, bytesUp: 100, steps: 5, seconds: 2 },
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
    const { target, rows } = compareGroups([{ method: "both", setting: "", runs: [slow, fast] }], { target: 0.6 });
    expect(target).toBe(0.6);
    const [row] = rows;
    expect(row).toMatchObject({ label: "both", algorithm: "fedavg", seeds: [1, 2] });
    expect(row!.accuracy.mean).toBeCloseTo(0.65, 12);
    expect(row!.accuracy.deviation).toBeCloseTo(Math.sqrt(0.005), 12); // 2 * 0.05^2 / 1
    expect(row!.recentAccuracy.mean).toBeCloseTo((0.5 + 2 / 3) / 2, 12);
    expect(row!.bestAccuracy.mean).toBeCloseTo(0.75, 12);
    // rounds 4 and 2; 400 and 200 bytes; 4 and 2 rounds of 5 steps with 2 gradients
    expect(row!.toTarget).toEqual({ reached: 2, rounds: 3, bytesUp: 300, gradients: 30, simulatedSeconds: null });
    const higher = compareGroups([{ method: "both", setting: "", runs: [slow, fast] }], { target: 0.75 });
    expect(higher.rows[0]!.toTarget).toEqual({
      reached: 1,
      rounds: 3,
      bytesUp: 300,
      gradients: 30,
      simulatedSeconds: null,
    });
    const never = compareGroups([{ method: "both", setting: "", runs: [slow, fast] }], { target: 0.9 });
    expect(never.rows[0]!.toTarget).toEqual({
      reached: 0,
      rounds: null,
      bytesUp: null,
      gradients: null,
      simulatedSeconds: null,
    });
  });

  it("compares an earlier round and ignores a run that has not reached it", () => {
    const short = run({ seed: 3, accuracies: [0.9] });
    const { atRound, rows } = compareGroups([{ method: "all", setting: "", runs: [slow, fast, short] }], {
      atRound: 2,
    });
    expect(atRound).toBe(2);
    expect(rows[0]!.accuracy).toMatchObject({ mean: expect.closeTo(0.45, 12), n: 2 });
    expect(rows[0]!.bestAccuracy.mean).toBeCloseTo(0.45, 12);
    expect(rows[0]!.recentAccuracy.mean).toBeCloseTo((0.2 + 0.55) / 2, 12);
  });

  it("takes as the target what every sound run reaches", () => {
    const diverged = run({ seed: 3, accuracies: [0.1], diverged: true });
    expect(compareGroups([{ method: "all", setting: "", runs: [slow, fast, diverged] }]).target).toBe(0.7);
    expect(compareGroups([{ method: "none", setting: "", runs: [diverged] }]).target).toBeNull();
  });

  it("knows no gradients of runs that did not count them", () => {
    const [row] = compareGroups([{ method: "old", setting: "", runs: [run({ accuracies: [0.5] })] }], {
      target: 0.5,
    }).rows;
    expect(row!.toTarget).toEqual({ reached: 1, rounds: 1, bytesUp: 100, gradients: null, simulatedSeconds: null });
  });
});

describe("comparisonTable", () => {
  it("writes means with their spread, and costs with how many reach the target", () => {
    const runs = [
      run({ seed: 1, accuracies: [0.5, 0.7], gradientsPerStep: 1 }),
      run({ seed: 2, accuracies: [0.9, 0.8], gradientsPerStep: 1 }),
    ];
    const { heads, rows, notes } = comparisonTable(
      compareGroups([{ method: "x", setting: "", runs }], { target: 0.75 }),
      true,
    );
    expect(heads.slice(-4)).toEqual(["rounds to 75.0 %", "up to 75.0 %", "gradients to 75.0 %", "time"]);
    expect(rows).toEqual([
      ["x", "1 2", "75.00 ± 7.07 %", "72.50 ± 17.68 %", "80.00 ± 14.14 %", "1 (1/2)", "100 B", "5", "4.0 s"],
    ]);
    expect(notes.join(" ")).not.toContain("highest accuracy");
  });
});

describe("several methods and settings", () => {
  const group = (method: string, setting: string, ...accuracies: number[]) => ({
    method,
    setting,
    runs: accuracies.map((accuracy, i) => run({ seed: i + 1, accuracies: [accuracy] })),
  });
  const comparison = compareGroups([
    group("fedavg", "alpha 0.1", 0.5, 0.6, 0.7),
    group("fedavg", "alpha 1", 0.8, 0.8, 0.8),
    group("scaffold", "alpha 0.1", 0.52, 0.63, 0.74),
    group("scaffold", "alpha 1", 0.79, 0.79),
  ]);

  it("pairs each method with the first one of its setting, and chooses a target in each", () => {
    const [, , scaffold, other] = comparison.rows;
    expect(comparison.rows.slice(0, 2).map(({ difference }) => difference)).toEqual([null, null]);
    expect(scaffold!.difference).toMatchObject({ n: 3, mean: expect.closeTo(0.03, 12) });
    expect(other!.difference).toMatchObject({ n: 2, mean: expect.closeTo(-0.01, 12) });
    expect(comparison.rows.map(({ target }) => target)).toEqual([0.5, 0.79, 0.5, 0.79]);
    expect(comparison.target).toBeNull();
  });

  it("writes the differences with their intervals, one setting after the other", () => {
    const { heads, rows, notes } = comparisonTable(comparison, false);
    const of = (head: string) => rows.map((row) => row[heads.indexOf(head)]);
    expect(of("run")).toEqual(["fedavg, alpha 0.1", "scaffold, alpha 0.1", "fedavg, alpha 1", "scaffold, alpha 1"]);
    // 4.30265 * 0.01 / sqrt(3) = 0.02484
    expect(of("difference to fedavg")).toEqual(["–", "+3.00 [+0.52, +5.48]", "–", "-1.00 [-1.00, -1.00]"]);
    expect(of("target")).toEqual(["50.0 %", "50.0 %", "79.0 %", "79.0 %"]);
    expect(notes.join(" ")).toContain("With two common seeds the interval is 12.7 standard errors to either side");
  });

  it("is a CSV of numbers, in which a name is never a formula", () => {
    const hostile = compareGroups([{ ...group("=1+1", 'a"b', 0.5), setting: 'a"b' }]);
    expect(comparisonCsv(hostile).split("\r\n")[1]).toMatch(/^"'=1\+1","a""b",/);
    const [head, ...lines] = comparisonCsv(comparison).trimEnd().split("\r\n");
    const at = head!.split(",").indexOf("difference");
    expect(lines).toHaveLength(4);
    expect(Number(lines[1]!.split(",")[at])).toBeCloseTo(0.03, 12);
    expect(lines[0]!.split(",")[at]).toBe("");
  });

  it("is a LaTeX table with a rule between settings, in which a name is never a command", () => {
    const text = comparisonLatex(comparison, false);
    expect(text.match(/\\midrule/g)).toHaveLength(2);
    expect(text).toContain("$-$1.00 [$-$1.00, $-$1.00]");
    const hostile = comparisonLatex(compareGroups([group("\\input{x}_&%", "", 0.5)]), false);
    expect(hostile).toContain("{\\textbackslash}input{\\textbraceleft}x{\\textbraceright}\\_\\&\\%");
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
    expect(groups.map((group) => [groupLabel(group), group.runs.map(({ start }) => start?.seed)])).toEqual([
      ["a, alpha 0.1", [1, 2]],
      ["a, alpha 0.6", [1, 3]],
    ]);
  });

  it("names no group by its diagnostics", () => {
    const measured = (name: string, coherence: boolean) =>
      run({
        name: "a",
        accuracies: [0.5],
        config: `name = "a"\n[algorithm]\nname = "${name}"\n[diagnostics]\ncoherence = ${coherence}`,
      });
    const labels = groupBySeed([measured("fedavg", true), measured("scaffold", false)]).map(groupLabel);
    expect(labels).toEqual(["a, fedavg", "a, scaffold"]);
    const same = groupBySeed([measured("fedavg", true), measured("fedavg", false)]).map(groupLabel);
    expect(new Set(same).size).toBe(2);
  });

  it("leaves a run alone whose configuration cannot be read", () => {
    const broken = run({ name: "x", accuracies: [0.5], config: "seed = = 1" });
    expect(groupBySeed([broken, broken]).map(({ runs }) => runs.length)).toEqual([1, 1]);
  });
});
