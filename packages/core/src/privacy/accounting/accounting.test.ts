import { describe, expect, it } from "vitest";
import { calibrateNoise, calibrateRounds } from "./calibration.ts";
import { accountantNames, createAccountant } from "./create-accountant.ts";
import { groupEvents, type PrivacyEventInput, parseEvent } from "./events.ts";
import { gaussianEpsilon, treeDepth } from "./gaussian.ts";
import { emptyLedger, parseLedger, spend } from "./ledger.ts";
import { explain } from "./meaning.ts";
import { pldAccountant } from "./pld-accountant.ts";
import { rdpAccountant } from "./rdp-accountant.ts";

const rdp = rdpAccountant();

function poisson(samplingRate: number, noiseMultiplier: number, count = 1) {
  return { kind: "poisson-gaussian", samplingRate, noiseMultiplier, count } as const;
}

function failure(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("events", () => {
  it.each([
    [{ kind: "gaussian", noiseMultiplier: -1 }, "noiseMultiplier"],
    [{ kind: "gaussian", noiseMultiplier: Number.NaN }, "noiseMultiplier"],
    [{ kind: "gaussian", noiseMultiplier: Number.POSITIVE_INFINITY }, "noiseMultiplier"],
    [{ kind: "gaussian", noiseMultiplier: 1, count: 0 }, "count"],
    [{ kind: "gaussian", noiseMultiplier: 1, count: 1.5 }, "count"],
    [{ kind: "poisson-gaussian", samplingRate: 1.01, noiseMultiplier: 1 }, "samplingRate"],
    [{ kind: "poisson-gaussian", samplingRate: -0.1, noiseMultiplier: 1 }, "samplingRate"],
    [{ kind: "poisson-gaussian", samplingRate: Number.NaN, noiseMultiplier: 1 }, "samplingRate"],
    [{ kind: "poisson-gaussian", samplingRate: 0.1, noiseMultiplier: 1, adjacency: "replace-one" }, "adjacency"],
    [{ kind: "fixed-size-gaussian", population: 10, cohort: 11, noiseMultiplier: 1 }, "cohort"],
    [{ kind: "tree-gaussian", noiseMultiplier: 1, steps: 8, participations: 2 }, "participations"],
    [{ kind: "gauss", noiseMultiplier: 1 }, "kind"],
    [{ kind: "gaussian", noiseMultiplier: 1, sigma: 2 }, "form"],
  ])("refuses %j", (event, part) => {
    const error = failure(() => rdp.epsilon([event as PrivacyEventInput], 1e-5));
    expect(error).toMatchObject({ code: "privacy/event" });
    expect((error as Error).message).toContain(part);
  });

  it("that are equal are counted, whatever the order of keys and events", () => {
    const a = { kind: "gaussian", noiseMultiplier: 2 } as const;
    const b = { noiseMultiplier: 2, adjacency: "add-or-remove", kind: "gaussian", count: 4 } as const;
    const c = { kind: "laplace", noiseMultiplier: 2 } as const;
    const grouped = groupEvents([a, c, b, a]);
    expect(grouped).toEqual([parseEvent({ ...a, count: 6 }), parseEvent({ ...c, count: 1 })]);
    expect(groupEvents([b, a, a, c])).toEqual(grouped);
  });

  it("are a ledger that survives JSON, and goes on from there", () => {
    const once = spend(emptyLedger, poisson(0.1, 1), poisson(0.1, 1), { kind: "gaussian", noiseMultiplier: 8 });
    const restored = parseLedger(JSON.parse(JSON.stringify(once)));
    expect(restored).toEqual(once);
    const more = spend(restored, poisson(0.1, 1, 3));
    expect(more.events.map(({ kind, count }) => [kind, count])).toEqual([
      ["gaussian", 1],
      ["poisson-gaussian", 5],
    ]);
    for (const damaged of [null, {}, { events: 3 }, { events: [{ kind: "gaussian" }] }]) {
      expect(failure(() => parseLedger(damaged))).toMatchObject({ code: "privacy/event" });
    }
  });
});

describe("statements", () => {
  it.each([0, 1, -1e-9, Number.NaN, Number.POSITIVE_INFINITY])("refuse delta %d", (delta) => {
    for (const name of accountantNames) {
      expect(failure(() => createAccountant(name).epsilon([], delta))).toMatchObject({ code: "privacy/delta" });
    }
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuse epsilon %d", (epsilon) => {
    expect(failure(() => rdp.delta([], epsilon))).toMatchObject({ code: "privacy/epsilon" });
  });

  it("warn of a delta of 1/population or more", () => {
    const events = [poisson(0.1, 2, 10)];
    const warned = rdp.epsilon(events, 0.01, { population: 100 });
    expect(warned.warnings).toEqual([expect.stringContaining("1/population")]);
    expect(rdp.epsilon(events, 0.0099, { population: 100 }).warnings).toEqual([]);
    const fixed = { kind: "fixed-size-gaussian", population: 50, cohort: 5, noiseMultiplier: 4 } as const;
    expect(rdp.epsilon([fixed], 0.02).warnings).toEqual([expect.stringContaining("1/population")]);
  });

  it("warn of no noise but where nobody takes part", () => {
    for (const name of accountantNames) {
      const warnings = (rate: number) => createAccountant(name).epsilon([poisson(rate, 0)], 1e-5).warnings;
      expect(warnings(1)).toEqual([expect.stringContaining("no noise")]);
      expect(warnings(0)).toEqual([]);
    }
  });

  it("are refused with advice", () => {
    const refusals = [
      () => rdp.epsilon([], 0),
      () => rdp.delta([], -1),
      () => createAccountant("moments"),
      () => rdpAccountant({ orders: [] }),
      () => pldAccountant({ gridSize: 1000 }),
      () => calibrateNoise({ accountant: rdp, targetEpsilon: 0, delta: 1e-5 }, () => []),
      () => calibrateNoise({ accountant: rdp, targetEpsilon: 1e-9, delta: 1e-5 }, (noise) => [poisson(0.5, noise)]),
    ];
    for (const refused of refusals) {
      expect(failure(refused)).toMatchObject({
        code: expect.stringMatching(/^privacy/),
        failure: { advice: expect.stringMatching(/\.$/) },
      });
    }
  });

  it("say what they assume", () => {
    const text = (event: PrivacyEventInput) => rdp.epsilon([event], 1e-5).assumptions.join("\n");
    expect(text(poisson(0.1, 1))).toMatch(
      /add-or-remove[\s\S]*Poisson sampling[\s\S]*trusted server[\s\S]*upper bound/,
    );
    const fixed = { kind: "fixed-size-gaussian", population: 50, cohort: 5, noiseMultiplier: 4 } as const;
    expect(text(fixed)).toMatch(/replace-one[\s\S]*without replacement/);
    const tree = { kind: "tree-gaussian", noiseMultiplier: 3, steps: 8, participations: 1 } as const;
    expect(text(tree)).toMatch(/between two restarts/);
  });

  it("are refused where there is no formula, and across adjacencies", () => {
    const fixed = { kind: "fixed-size-gaussian", population: 50, cohort: 5, noiseMultiplier: 4 } as const;
    const refused = { code: "privacy/unsupported" };
    expect(failure(() => createAccountant("pld").epsilon([fixed], 1e-5))).toMatchObject(refused);
    expect(failure(() => createAccountant("gaussian").epsilon([poisson(0.1, 1)], 1e-5))).toMatchObject(refused);
    const mixed = failure(() => rdp.epsilon([fixed, poisson(0.1, 1)], 1e-5));
    expect(mixed).toMatchObject({ code: "privacy/mixed-adjacency" });
    const shares = { kind: "gaussian", noiseMultiplier: 4, adjacency: "zero-out" } as const;
    const pairs: PrivacyEventInput[][] = [
      [shares, poisson(0.1, 1)],
      [shares, fixed],
      [shares, { kind: "gaussian", noiseMultiplier: 4 }],
      [{ kind: "skellam", l1: 1, l2: 1, variance: 9, adjacency: "zero-out" }, poisson(0.1, 1)],
      [{ kind: "zero-concentrated", rho: 0.1, adjacency: "replace-one" }, shares],
    ];
    for (const pair of pairs) {
      expect(failure(() => rdp.epsilon(pair, 1e-5))).toMatchObject({ code: "privacy/mixed-adjacency" });
      expect(failure(() => rdp.delta(pair, 1))).toMatchObject({ code: "privacy/mixed-adjacency" });
      const ledger = spend(emptyLedger, ...pair);
      expect(ledger.events).toHaveLength(2);
    }
    expect(failure(() => createAccountant("moments"))).toMatchObject({ code: "privacy/unknown-accountant" });
    expect(failure(() => rdpAccountant({ orders: [1] }))).toMatchObject({ code: "privacy/orders" });
  });

  it("hide nobody's presence where the noise is the clients' own", () => {
    for (const noise of ["distributed", "local"] as const) {
      for (const event of [poisson(0.1, 1), { kind: "gaussian", noiseMultiplier: 2 } as const]) {
        const refused = failure(() => rdp.epsilon([event], 1e-5, { noise }));
        expect(refused).toMatchObject({ code: "privacy/adjacency" });
        expect(rdp.epsilon([event], 1e-5, { noise: "central" }).adjacency).toBe("add-or-remove");
      }
      expect(rdp.epsilon([], 1e-5, { noise }).epsilon).toBe(0);
      for (const [adjacency, moved] of [
        ["zero-out", 1],
        ["replace-one", 2],
      ] as const) {
        const event = { kind: "gaussian", noiseMultiplier: 2, adjacency } as const;
        const exact = createAccountant("gaussian").epsilon([event], 1e-5, { noise });
        expect(exact).toMatchObject({ adjacency, epsilon: gaussianEpsilon(moved / 2, 1e-5) });
        expect(exact.assumptions[0]).toMatch(new RegExp(`^adjacency ${adjacency}: .*replaced`));
        expect(exact.assumptions.join()).toMatch(/and who fails/);
      }
    }
  });

  it("are explained in words", () => {
    const events = [poisson(0.1, 0.8, 300)];
    const [odds, noise] = explain(rdp.epsilon(events, 2e-3), events);
    expect(odds).toContain("weak privacy");
    expect(noise).toContain(`epsilon ${gaussianEpsilon(1 / 0.8, 2e-3).toFixed(2)}`);
    // 1 / (1 + e^-1.9331) = 0.874.
    const quiet = [poisson(0.1, 4, 300)];
    expect(explain(rdp.epsilon(quiet, 1e-5), quiet)).toEqual([expect.stringContaining("at most 87 % sure")]);
    const records = [{ kind: "gaussian", noiseMultiplier: 0.5, adjacency: "replace-one", count: 1 } as const];
    const [whose, little] = explain(rdp.epsilon(records, 1e-5), records, { unit: "records" });
    expect(whose).toMatch(/which of two records .* use fewer rounds\.$/);
    expect(little).toMatch(/for that record\.$/);
    const silent = [poisson(0.1, 0, 1)];
    expect(explain(rdp.epsilon(silent, 1e-5), silent)).toEqual([expect.stringContaining("no guarantee")]);
  });
});

describe("trees", () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [1000, 10],
    [1023, 10],
    [1024, 11],
  ])("of %i steps have %i nodes over a leaf", (steps, depth) => {
    expect(treeDepth(steps)).toBe(depth);
    expect(Math.ceil(Math.log2(steps + 1))).toBe(depth);
  });

  it("cost their nodes once for each tree a client is in, not once for each restart", () => {
    const tree = { kind: "tree-gaussian", noiseMultiplier: 6, steps: 7, restarts: 9 } as const;
    const spent = (event: PrivacyEventInput) => rdp.epsilon([event], 1e-5).epsilon;
    const gaussian = (count: number) => spent({ kind: "gaussian", noiseMultiplier: 6, count });
    expect(spent({ ...tree, participations: 1 })).toBeCloseTo(gaussian(3), 12);
    expect(spent({ ...tree, participations: 10 })).toBeCloseTo(gaussian(30), 12);
  });
});

describe("calibration", () => {
  it.each(accountantNames)("%s: noise meets the target, a little less does not", (name) => {
    const accountant = createAccountant(name);
    const rate = name === "gaussian" ? 1 : 0.05;
    const rounds = name === "gaussian" ? 3 : 100;
    const events = (noise: number) => [poisson(rate, noise, rounds)];
    const { noiseMultiplier, statement } = calibrateNoise({ accountant, targetEpsilon: 2, delta: 1e-5 }, events);
    expect(statement).toEqual(accountant.epsilon(events(noiseMultiplier), 1e-5));
    expect(statement.epsilon).toBeLessThanOrEqual(2);
    expect(accountant.epsilon(events(noiseMultiplier * (1 - 2e-4)), 1e-5).epsilon).toBeGreaterThan(2);
  });

  it("finds little and much noise, and refuses what none reaches", () => {
    const at = (targetEpsilon: number, q: number, rounds: number) =>
      calibrateNoise({ accountant: rdp, targetEpsilon, delta: 1e-5 }, (noise) => [poisson(q, noise, rounds)]);
    expect(at(2000, 1, 1).noiseMultiplier).toBeLessThan(0.02);
    expect(at(0.1, 1, 10_000).noiseMultiplier).toBeGreaterThan(1000);
    expect(failure(() => at(1e-9, 0.5, 10))).toMatchObject({ code: "privacy/out-of-reach" });
    const least = at(1e9, 0.5, 1);
    expect(least.noiseMultiplier).toBe(2 ** -10);
    expect(least.statement.warnings).toContainEqual(expect.stringContaining("not tried"));
    expect(failure(() => at(0, 0.5, 10))).toMatchObject({ code: "privacy/no-noise" });
    expect(failure(() => at(Number.NaN, 0.5, 10))).toMatchObject({ code: "privacy/epsilon" });
  });

  it("rounds: the last that fits, none where one is too many", () => {
    const target = { accountant: rdp, targetEpsilon: 8, delta: 1e-5 };
    const events = (noise: number) => (rounds: number) => (rounds === 0 ? [] : [poisson(0.1, noise, rounds)]);
    const { rounds, statement } = calibrateRounds(target, events(1));
    expect(statement.epsilon).toBeLessThanOrEqual(8);
    expect(rdp.epsilon([poisson(0.1, 1, rounds)], 1e-5)).toEqual(statement);
    expect(rdp.epsilon([poisson(0.1, 1, rounds + 1)], 1e-5).epsilon).toBeGreaterThan(8);
    const none = { rounds: 0, statement: { epsilon: 0, warnings: [expect.stringContaining("single round")] } };
    expect(calibrateRounds(target, events(0.2))).toMatchObject(none);
    expect(failure(() => calibrateRounds(target, events(0)))).toMatchObject({ code: "privacy/no-noise" });
    const endless = calibrateRounds(target, (n) => (n === 0 ? [] : [poisson(0, 1, n)]));
    expect(endless.statement.warnings).toEqual([expect.stringContaining("not tried")]);
  });
});
