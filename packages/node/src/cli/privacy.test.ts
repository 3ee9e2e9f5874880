import { describe, expect, it } from "vitest";
import { callCommand } from "./testing/call-command.ts";

const plan = ["--sampling-rate", "0.1", "--rounds", "300", "--delta", "1e-5"];
const document = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await callCommand("privacy", ...args, "--json");
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};

describe("privacy epsilon", () => {
  it("as text: the figure first, what it means and what is assumed", async () => {
    const { code, stdout } = await callCommand("privacy", "epsilon", "--noise-multiplier", "0.8", ...plan);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^epsilon +21\.2308 at delta 0\.00001\n/);
    expect(stdout).toMatch(
      /meaning .*weak privacy[\s\S]*meaning .*multiplier 0\.8 the noise is smaller than one clipped update/,
    );
    expect(stdout).toMatch(/assumed .*add-or-remove[\s\S]*assumed .*Poisson[\s\S]*assumed .*trusted server/);
  });

  it("rounds what it prints so that a bound stays one", async () => {
    const args = ["epsilon", "--noise-multiplier", "1.3", ...plan, "--accountant", "pld"];
    const { epsilon, lowerBound } = await document(...args);
    const { stdout } = await callCommand("privacy", ...args);
    const [, above, below] = /^epsilon +([\d.]+) at[^,]+, the true value is at least\s+([\d.]+)/
      .exec(stdout)!
      .map(Number);
    expect(above).toBeGreaterThanOrEqual(epsilon);
    expect(above! - epsilon).toBeLessThan(1e-4);
    expect(below).toBeLessThanOrEqual(lowerBound);
    expect(lowerBound - below!).toBeLessThan(1e-4);
  });

  it("shows a small epsilon as what it is, not as 0", async () => {
    const rounds = ["--noise-multiplier", "1e11", "--rounds", "1", "--delta", "1e-13", "--sampling-rate", "1"];
    const { stdout } = await callCommand("privacy", "epsilon", ...rounds, "--accountant", "gaussian");
    const [, shown] = /^epsilon +(\S+) at delta/.exec(stdout)!;
    const { epsilon } = await document("epsilon", ...rounds, "--accountant", "gaussian");
    expect(epsilon).toBeGreaterThan(0);
    expect(Number(shown) / epsilon).toBeGreaterThanOrEqual(1);
    expect(Number(shown) / epsilon).toBeLessThan(1.001);
  });

  it("as JSON, by every accountant", async () => {
    expect(await document("epsilon", "--noise-multiplier", "1", ...plan)).toMatchObject({
      epsilon: expect.closeTo(13.604716, 6),
      delta: 1e-5,
      noiseMultiplier: 1,
      rounds: 300,
      sampling: "poisson",
      samplingRate: 0.1,
      population: null,
      cohort: null,
      accountant: "rdp",
      lowerBound: null,
      order: 2.5,
      adjacency: "add-or-remove",
      warnings: [],
    });
    const pld = await document("epsilon", "--noise-multiplier", "2", ...plan, "--accountant", "pld");
    expect(pld.epsilon).toBeCloseTo(4.18, 2);
    expect(pld.lowerBound).toBeCloseTo(4.18, 2);
    const all = ["--sampling-rate", "1", "--rounds", "1", "--delta", "1e-5", "--accountant", "gaussian"];
    expect((await document("epsilon", "--noise-multiplier", "1", ...all)).epsilon).toBeCloseTo(4.377178, 6);
    const none = await document("epsilon", "--noise-multiplier", "0", ...plan);
    expect(none).toMatchObject({ epsilon: null, warnings: [expect.stringContaining("no noise")] });
  });

  it("takes the rate from population and cohort, which fixed-size cohorts need", async () => {
    const size = ["--population", "500", "--cohort", "50", "--rounds", "300", "--delta", "2e-3"];
    const poisson = await document("epsilon", "--noise-multiplier", "0.8", ...size);
    expect(poisson).toMatchObject({ epsilon: expect.closeTo(15.493854, 6), samplingRate: 0.1, population: 500 });
    expect(poisson.warnings).toEqual([expect.stringContaining("1/population")]);
    const fixed = await document("epsilon", "--noise-multiplier", "8", ...size, "--sampling", "fixed-size");
    expect(fixed).toMatchObject({ adjacency: "replace-one", sampling: "fixed-size" });
    const same = await document("epsilon", "--noise-multiplier", "8", ...size);
    expect(fixed.epsilon).toBeGreaterThan(same.epsilon);
  });

  it("knows random allocation, by losses alone", async () => {
    const half = ["--noise-multiplier", "1.5", "--rounds", "49", "--delta", "1e-5", "--sampling", "random-allocation"];
    const size = ["--population", "500", "--cohort", "20", "--accountant", "pld"];
    const found = await document("epsilon", ...half, ...size);
    expect(found).toMatchObject({ adjacency: "add-or-remove", sampling: "random-allocation", samplingRate: 0.04 });
    expect(found.assumptions).toContainEqual(expect.stringMatching(/exactly one of every 25 rounds/));
    // rounds 26 to 49 begin the second block
    const whole = await document(
      "epsilon",
      ...half,
      "--sampling-rate",
      "0.04",
      "--accountant",
      "pld",
      "--rounds",
      "50",
    );
    expect(found.epsilon).toBe(whole.epsilon);
  });

  it("counts no sampling for records and for noise of clients, and replaces data where both neighbours send", async () => {
    const rest = ["--rounds", "1", "--delta", "1e-5", "--accountant", "gaussian"];
    const cost = async (...options: string[]) => document("epsilon", "--noise-multiplier", ...options, ...rest);
    for (const options of [
      ["--protects", "records"],
      ["--noise", "local"],
    ]) {
      const replaced = await cost("2", ...options, "--population", "50", "--cohort", "5");
      expect(replaced).toMatchObject({
        epsilon: expect.closeTo(4.377178, 6),
        adjacency: "replace-one",
        sampling: "none",
      });
    }
    const shares = await cost("1", "--noise", "distributed");
    expect(shares).toMatchObject({ epsilon: expect.closeTo(4.377178, 6), adjacency: "zero-out", sampling: "none" });
    expect(shares.meaning.join()).toMatch(/the sums contain a client's updates rather than zeros/);
    expect(shares.assumptions.join()).toMatch(/learns who takes part and who fails/);
  });
});

describe("privacy noise and rounds", () => {
  it("give back each other's metrics", async () => {
    const noise = await document("noise", "--target-epsilon", "4", ...plan);
    expect(noise.epsilon).toBeLessThanOrEqual(4);
    expect(noise.epsilon).toBeGreaterThan(3.998);
    const spent = await document("epsilon", "--noise-multiplier", String(noise.noiseMultiplier), ...plan);
    expect(spent.epsilon).toBe(noise.epsilon);
    const budget = ["--target-epsilon", "4", "--sampling-rate", "0.1", "--delta", "1e-5"];
    const rounds = await document("rounds", ...budget, "--noise-multiplier", String(noise.noiseMultiplier));
    expect(rounds.rounds).toBe(300);
    const text = (await callCommand("privacy", "noise", "--target-epsilon", "4", ...plan)).stdout;
    const printed = Number(/^noise multiplier +([\d.]+)/.exec(text)![1]);
    expect(printed).toBeGreaterThanOrEqual(noise.noiseMultiplier);
    expect(printed / noise.noiseMultiplier).toBeLessThan(1.0002);
  });
});

describe("privacy extrapolate", () => {
  const run = ["--noise-multiplier", "0.5", "--population", "1000", "--cohort", "50", "--rounds", "300"];

  it("keeps the noise on the mean update: the multiplier grows like the cohort", async () => {
    const { rows } = await document("extrapolate", ...run, "--delta", "1e-6", "--population-factors", "1,100");
    expect(rows).toHaveLength(4);
    for (const { population, cohort, noiseMultiplier, epsilon } of rows) {
      expect(noiseMultiplier / cohort).toBeCloseTo(0.01, 12);
      const size = ["--population", `${population}`, "--cohort", `${cohort}`, "--rounds", "300", "--delta", "1e-6"];
      const alone = await document("epsilon", "--noise-multiplier", `${noiseMultiplier}`, ...size);
      expect(epsilon).toBe(alone.epsilon);
    }
    expect(rows.at(-1).epsilon).toBeLessThan(rows[0].epsilon / 100);
  });

  it("grows the noise of single clients like the root of the cohort, as the mean of theirs falls alike", async () => {
    const local = [...run, "--delta", "1e-6", "--noise", "local", "--population-factors", "100"];
    const { rows } = await document("extrapolate", ...local, "--cohort-factors", "1,4");
    expect(rows.map((row: { noiseMultiplier: number }) => row.noiseMultiplier)).toEqual([0.5, 1]);
  });

  it("as text, without cohorts that the population does not have", async () => {
    const factors = ["--population-factors", "1,2", "--cohort-factors", "1,40"];
    const { code, stdout } = await callCommand("privacy", "extrapolate", ...run, "--delta", "1e-6", ...factors);
    expect(code).toBe(0);
    expect(stdout).toMatch(/population +cohort +noise multiplier +epsilon at delta 0\.000001\n/);
    expect(stdout.match(/^ *[12],000 +/gm)).toHaveLength(3);
  });

  it("needs both sizes, and integers", async () => {
    const rate = ["--noise-multiplier", "1", "--sampling-rate", "0.1", "--rounds", "3", "--delta", "1e-6"];
    expect((await callCommand("privacy", "extrapolate", ...rate)).stderr).toContain("usage/missing-option");
    const wrong = await callCommand("privacy", "extrapolate", ...run, "--delta", "1e-6", "--cohort-factors", "1,x");
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/Expected a positive\s+integer/)]);
  });
});

describe("mistakes: exit 2", () => {
  const noisy = ["epsilon", "--noise-multiplier", "1"];
  it.each([
    ["no sampling", [...noisy, "--rounds", "1", "--delta", "1e-5"], "usage/missing-option", "--sampling-rate, or"],
    [
      "a size without its population",
      [...noisy, "--rounds", "1", "--delta", "1e-5", "--cohort", "3"],
      "usage/missing-option",
      "--population",
    ],
    ["rate and cohort", [...noisy, ...plan, "--cohort", "3"], "usage/conflict", "one of them"],
    [
      "a cohort above the population",
      [...noisy, "--rounds", "1", "--delta", "1e-5", "--cohort", "3", "--population", "2"],
      "usage/conflict",
      "at most",
    ],
    [
      "blocks of no integer",
      [...noisy, "--rounds", "1", "--delta", "1e-5", "--sampling-rate", "0.3", "--sampling", "random-allocation"],
      "usage/conflict",
      "0.04",
    ],
    [
      "delta 1",
      [...noisy, "--sampling-rate", "0.1", "--rounds", "1", "--delta", "1"],
      "privacy/delta",
      "between 0 and 1",
    ],
    [
      "a rate above 1",
      [...noisy, "--sampling-rate", "1.5", "--rounds", "1", "--delta", "1e-5"],
      "usage/invalid-value",
      "from 0 to 1",
    ],
    [
      "a rate above 1 that would not be counted",
      [...noisy, "--sampling-rate", "1.5", "--rounds", "1", "--delta", "1e-5", "--protects", "records"],
      "usage/invalid-value",
      "from 0 to 1",
    ],
    [
      "a cohort above the population that would not be counted",
      [...noisy, "--rounds", "1", "--delta", "1e-5", "--cohort", "3", "--population", "2", "--noise", "local"],
      "usage/conflict",
      "at most",
    ],
    [
      "no number",
      ["epsilon", "--noise-multiplier", "much", ...plan],
      "usage/invalid-value",
      "anabranch privacy epsilon --help",
    ],
    [
      "an unknown accountant",
      [...noisy, ...plan, "--accountant", "moments"],
      "privacy/unknown-accountant",
      "rdp, pld, gaussian",
    ],
    ["no formula", [...noisy, ...plan, "--accountant", "gaussian"], "privacy/unsupported", '"pld" or "rdp"'],
    [
      "no noise for a target",
      ["rounds", "--target-epsilon", "1", "--noise-multiplier", "0", "--sampling-rate", "0.1", "--delta", "1e-5"],
      "privacy/no-noise",
      "above 0",
    ],
    ["an unknown question", ["epsilonn"], "usage/unknown-command", "Did you mean epsilon?"],
    [
      "an option of other commands",
      [...noisy, ...plan, "--workers", "2"],
      "usage/option",
      "anabranch privacy epsilon --help",
    ],
  ])("%s", async (_what, args, code, detail) => {
    const ended = await callCommand("privacy", ...args);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain(`error ${code}: `);
    expect(ended.stderr.replaceAll(/\s+/g, " ")).toContain(detail);
  });

  it("without a question the help is shown", async () => {
    const ended = await callCommand("privacy");
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain("Usage: anabranch privacy");
  });
});
