import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fedavg } from "../algorithms/methods.ts";
import { HETEROGENEOUS } from "../conformance/heterogeneous.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import { hashSample, type KnownPeer, type MembershipView, mergeViews } from "./hash-sample.ts";
import { md5 } from "./md5.ts";

const peers = (count: number, lastActivity = 0): KnownPeer[] =>
  Array.from({ length: count }, (_, i) => ({ id: `peer-${i}`, lastActivity }));
const settings = { sampleSize: 5, aggregators: 2, activityWindow: 5000 };

describe("MD5", () => {
  it("is that of other implementations", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        expect(md5(text)).toBe(createHash("md5").update(text, "utf8").digest("hex"));
      }),
    );
    expect(md5("")).toBe("d41d8cd98f00b204e9800998ecf8427e");
  });
});

describe("a hash sample", () => {
  it("is the same for all nodes with the same view, in whatever order they keep it", () => {
    const view = peers(30);
    const mine = hashSample(view, 7, settings, () => true);
    expect(hashSample([...view].reverse(), 7, settings, () => true)).toEqual(mine);
    expect(mine.aggregators).toEqual(mine.sample.slice(0, 2));
    expect(hashSample(view, 8, settings, () => true).sample).not.toEqual(mine.sample);
  });

  it("picks every node equally often over many rounds", () => {
    const counts = new Map<string, number>();
    for (let round = 0; round < 2000; round++)
      for (const id of hashSample(peers(20), round, settings, () => true).sample)
        counts.set(id, (counts.get(id) ?? 0) + 1);
    const expected = (2000 * 5) / 20;
    const chiSquared = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    // 99.9 % quantile with 19 degrees of freedom
    expect(chiSquared).toBeLessThan(43.8);
  });

  it("leaves out who left, was away for too long or does not answer", () => {
    const view = [{ id: "a", lastActivity: 9 }, { id: "b", lastActivity: 9, left: true }, { id: "c", lastActivity: 2 }, { id: "d", lastActivity: 9 }]; // biome-ignore format: peers
    const narrow = { ...settings, activityWindow: 3 };
    expect(hashSample(view, 10, narrow, (id) => id !== "d")).toMatchObject({ sample: ["a"], aggregators: ["a"] });
    expect([...hashSample(view, 10, narrow, () => true).order].sort()).toEqual(["a", "d"]);
  });

  it("keeps a federation learning when 80 % of its nodes fall silent in round 10", async () => {
    const nodes = HETEROGENEOUS.a.length;
    const owners = 10;
    const a = Array.from({ length: owners }, (_, i) => HETEROGENEOUS.a[i % nodes]!);
    const b = Array.from({ length: owners }, (_, i) => HETEROGENEOUS.b[i % nodes]!);
    const alive = (id: string, round: number) => round < 10 || ["peer-3", "peer-8"].includes(id);
    const cohorts = Array.from({ length: 40 }, (_, index) => {
      const { sample } = hashSample(peers(owners), index + 1, settings, (id) => alive(id, index + 1));
      return sample.map((id) => Number(id.slice(5))).sort((x, y) => x - y);
    });
    expect(cohorts[5]).toHaveLength(5);
    expect(cohorts.slice(9)).toEqual(Array.from({ length: 31 }, () => [3, 8]));
    const { rounds } = await traceFederation(fedavg(), { ...HETEROGENEOUS, a, b, cohorts });
    // the survivors' own minimum
    const minimum = b[3]!.map((_, j) => (a[3]![j]! * b[3]![j]! + a[8]![j]! * b[8]![j]!) / (a[3]![j]! + a[8]![j]!));
    const distance = (x: readonly number[]) => Math.hypot(...x.map((value, j) => value - minimum[j]!));
    expect(distance(rounds.at(-1)!)).toBeLessThan(distance(rounds[9]!) / 2);
  });
});

describe("membership views", () => {
  const entry = fc.record({ activity: fc.nat(9), counter: fc.nat(3) }).map(({ activity, counter }) => {
    return { activity, counter, state: counter % 2 === 0 ? "joined" : "left" } as const;
  });
  const view: fc.Arbitrary<MembershipView> = fc.dictionary(fc.constantFrom("p", "q", "r"), entry);

  it("merge to the same in any order and however often", () => {
    fc.assert(
      fc.property(view, view, view, (x, y, z) => {
        const merged = mergeViews([x, y, z]);
        expect(mergeViews([z, mergeViews([y, x]), x])).toEqual(merged);
      }),
    );
  });
});
