import { describe, expect, it } from "vitest";
import { rootKey } from "../random/index.ts";
import { type Churn, churnOf, drawnChurn, noChurn } from "./churn.ts";
import type { SelectionMemory } from "./feedback.ts";
import { hashSampler } from "./hash-sampler.ts";

const ids = Array.from({ length: 40 }, (_, i) => `node-${i}`);
const settings = { sampleSize: 5, aggregators: 2, activityWindow: 4 };
const key = () => rootKey(0);

/** Cohorts and bytes of so many rounds, in which whoever answers reports. */
function play(rounds: number, churn: Churn, given = settings) {
  const { sample, agreementBytes, feedback } = hashSampler(ids, given, churn);
  let memory: SelectionMemory = feedback!.initial;
  return Array.from({ length: rounds }, (_, index) => {
    const round = index + 1;
    const cohort = sample(round, key, memory);
    const bytes = agreementBytes!(round, memory);
    const trained = cohort.filter((client) => churn.answersAfter(client, round));
    const reports = trained.map((client) => ({ client, loss: 1, examples: 1, seconds: 0 }));
    memory = feedback!.learn(memory, round, cohort, reports);
    return { round, cohort, bytes, memory };
  });
}

describe("nodes that pick their cohort by hashes", () => {
  it("all remain candidates while they answer, however seldom they are picked", () => {
    const rounds = play(200, noChurn);
    const counts = ids.map((_, client) => rounds.filter(({ cohort }) => cohort.includes(client)).length);
    // 25 visits expected each; a node that had dropped out of the view would have about one
    expect(Math.min(...counts)).toBeGreaterThan(8);
    for (const { cohort } of rounds) expect(new Set(cohort).size).toBe(5);
  });

  it("do not pick nodes that stopped, and forget them within the activity window", () => {
    const from = 6;
    const churn = drawnChurn(ids.length, { share: 0.8, from, during: "training" }, rootKey(11));
    expect(churn.clients).toHaveLength(32);
    const gone = new Set(churn.clients);
    const rounds = play(20, churn);
    expect(rounds[from - 1]!.cohort.some((client) => gone.has(client))).toBe(true);
    for (const { cohort } of rounds.slice(from)) {
      expect(cohort.length).toBe(5);
      expect(cohort.filter((client) => gone.has(client))).toEqual([]);
    }
    // pings of nodes that are gone cost bytes for as long as they may have been active
    const usual = 16 * (2 * (5 + 5) + 5 * (2 + 2)) + 2 * 2 * 5 * 40 * 12;
    const extra = rounds.map(({ bytes }) => bytes - usual);
    expect(extra[0]).toBe(0);
    expect(extra[from]).toBeGreaterThan(100);
    const { memory } = rounds.at(-1)!;
    const active = memory["activity"]!.filter((last) => last >= 21 - settings.activityWindow);
    expect(active).toHaveLength(8);
    const joins = rounds.map((one) => 16 * 5 * (one.memory["joined"]?.[0] ?? 0));
    for (const [i, bytes] of extra.entries()) if (i >= from + settings.activityWindow) expect(bytes).toBe(joins[i - 1]);
  });

  it("pick nodes that come back within a few rounds", () => {
    const churn = churnOf([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], { from: 3, until: 12, during: "training" });
    const rounds = play(60, churn);
    const chosen = (from: number, to: number) =>
      new Set(rounds.slice(from - 1, to).flatMap(({ cohort }) => cohort.filter((client) => client < 10)));
    expect(chosen(4, 12).size).toBe(0);
    expect(chosen(14, 60).size).toBe(10);
  });

  it("continue if one aggregator of several is left, and end with an error if none is", () => {
    // the first of the second round, which average what the first round trained
    const { cohort } = play(2, noChurn)[1]!;
    const order = cohort.filter((client) => play(2, noChurn, { ...settings, sampleSize: 1 })[1]!.cohort[0] === client);
    const during = "averaging" as const;
    const first = churnOf(order, { from: 1, during });
    expect(() => play(3, first)).not.toThrow();
    expect(() => play(3, first, { ...settings, aggregators: 1 })).toThrow(/all aggregators have stopped.*round 1/);
    expect(() => play(3, churnOf(cohort, { from: 1, during }))).toThrow(/Raise sampler.cohort, .*schedule.deadline/);
  });

  it("end with an error if every node of a round stops while it trains", () => {
    const churn = churnOf([...ids.keys()], { from: 2, during: "training" });
    expect(() => play(3, churn)).toThrow(/no node has the model.*round 2/);
  });
});
