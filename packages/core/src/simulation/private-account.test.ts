import { describe, expect, it } from "vitest";
import { type ConfigInput, resolveConfig } from "../config/index.ts";
import { createAccountant, gaussianEpsilon } from "../privacy/accounting/index.ts";
import { accountOf, roundEvents } from "./private-account.ts";

type Privacy = NonNullable<ConfigInput["privacy"]>;

const POPULATION = 40;
const DELTA = 1e-5;

function configOf(privacy: Privacy, sampler: NonNullable<ConfigInput["sampler"]>) {
  const integers = privacy.mechanism !== undefined && privacy.mechanism !== "gaussian";
  // no Rényi divergences are known of random allocation, where it counts
  const accountant = sampler.name === "random-allocation" && privacy.noise === "central" ? "pld" : "rdp";
  return resolveConfig({
    rounds: 3,
    data: { clients: POPULATION },
    algorithm: { name: "dp-fedavg" },
    sampler,
    privacy: { mechanism: "gaussian", noiseMultiplier: 4, delta: DELTA, accountant, ...privacy },
    ...(integers ? { secureAggregation: { protocol: "bonawitz", bits: 24 } } : {}),
  });
}

const samplers = {
  poisson: { name: "poisson", cohort: 10 },
  "fixed-size": { name: "uniform", cohort: 10 },
  "all by fixed size": { name: "uniform", cohort: POPULATION },
  "random allocation": { name: "random-allocation", cohort: 10 },
  "all by Poisson": { name: "poisson", cohort: POPULATION },
} as const;
const shares = { minimumSurvivors: 8 };
const places = {
  central: { noise: "central" },
  distributed: { noise: "distributed", ...shares },
  local: { noise: "local" },
  "discrete-gaussian": { mechanism: "discrete-gaussian", ...shares },
  skellam: { mechanism: "skellam", ...shares },
} as const satisfies Record<string, Privacy>;

/** Neighbours, and by how many clip norms they move a sum at most. */
function truth(
  place: keyof typeof places,
  sampler: keyof typeof samplers,
  records: boolean,
): readonly [string, number] {
  if (records || place === "local") return ["replace-one", 2];
  if (place !== "central") return ["zero-out", 1];
  return sampler.includes("fixed") ? ["replace-one", 2] : ["add-or-remove", 1];
}

const combinations = (Object.keys(places) as (keyof typeof places)[]).flatMap((place) =>
  (Object.keys(samplers) as (keyof typeof samplers)[]).flatMap((sampler) =>
    // noise of integers is for whole clients alone
    (place in { "discrete-gaussian": 0, skellam: 0 } ? [false] : [false, true]).map((records) => ({
      place,
      sampler,
      unit: records ? "records" : "clients",
    })),
  ),
);

describe("what a round releases", () => {
  it.each(combinations)("$place noise, $sampler, $unit: neighbours and how far they move a sum", (combination) => {
    const { place, sampler, unit } = combination;
    const records = unit === "records";
    const [adjacency, moved] = truth(place, sampler, records);
    const config = configOf(places[place], samplers[sampler]);
    const released = { population: POPULATION, size: 100, data: "", ...(records ? { records: 900 } : {}) };
    const [event, ...others] = roundEvents(config, released, 4, 1);
    expect(others).toEqual([]);
    const stated = createAccountant(config.privacy.accountant).epsilon([event!], DELTA);
    expect(stated.adjacency).toBe(adjacency);
    const exact = gaussianEpsilon(moved / 4, DELTA);
    const amplified = place === "central" && !records && !sampler.startsWith("all");
    if (amplified) {
      // less than all clients cost, and no less than the worst pair of this sampling does
      expect(stated.epsilon).toBeLessThan(exact);
      const pair = { kind: "poisson-gaussian", samplingRate: 10 / POPULATION, noiseMultiplier: 4 / moved } as const;
      expect(stated.epsilon).toBeGreaterThan(createAccountant("pld").epsilon([pair], DELTA).lowerBound!);
    } else {
      expect(stated.epsilon).toBeGreaterThan(exact);
      expect(stated.epsilon / exact).toBeLessThan(1.2);
    }
  });

  it.each(combinations)("$place noise, $sampler, $unit: what is printed matches", ({ place, sampler, unit }) => {
    const records = unit === "records";
    const [adjacency] = truth(place, sampler, records);
    const config = configOf(places[place], samplers[sampler]);
    const released = { population: POPULATION, size: 100, data: "", ...(records ? { records: 900 } : {}) };
    const text = accountOf(config, released, 4).assumptions.join("\n");
    expect(text).toMatch(new RegExp(`^adjacency ${adjacency}: `));
    const open = place !== "central";
    expect(/learns who (takes part|sends) and who fails/.test(text)).toBe(open);
    expect(/trusted server: it sees/.test(text)).toBe(!open);
  });
});

describe("shares of noise", () => {
  it("cost the same however many clients come beyond the survivors that are counted, and however they are drawn", () => {
    for (const place of ["distributed", "discrete-gaussian", "skellam"] as const) {
      const epsilons = Object.values(samplers).map((sampler) => {
        const config = configOf(places[place], { ...sampler, cohort: 10 });
        return accountOf(config, { population: 10, size: 100, data: "" }, 4).epsilonAfter(3);
      });
      if (place === "distributed") expect(new Set(epsilons).size).toBe(1);
      // a Poisson cohort may be larger than 10, but not than the population; the grid is laid out for it
      expect(Math.max(...epsilons) / Math.min(...epsilons)).toBeLessThan(1 + 1e-9);
    }
  });

  it("cost less with noise and more with rounds, under every relation", () => {
    for (const [place, privacy] of Object.entries(places)) {
      for (const sampler of Object.values(samplers)) {
        const account = (noise: number) =>
          accountOf(configOf(privacy, sampler), { population: 40, size: 100, data: "" }, noise);
        // a block of random allocation takes 4 rounds
        const [few, many] = [account(4).epsilonAfter(1), account(4).epsilonAfter(5)];
        expect(few, place).toBeLessThan(many);
        expect(account(5).epsilonAfter(5), place).toBeLessThan(many);
      }
    }
  });
});
