import { describe, expect, it } from "vitest";
import { createAccountant } from "./create-accountant.ts";
import { PRIVACY_RECORD, type PrivacyRecord, parsePrivacyRecord, type RecordedAccount, recordAfter } from "./record.ts";

const event = { kind: "poisson-gaussian", samplingRate: 0.1, noiseMultiplier: 1, adjacency: "add-or-remove" } as const;
const data = "0123456789abcdef";
const account: RecordedAccount = {
  unit: "clients",
  covered: true,
  before: [],
  round: { rounds: 1, noise: "central", population: 100, data, events: [{ ...event, count: 1 }] },
};
const read = (text: string) => parsePrivacyRecord({ [PRIVACY_RECORD]: text });
const counted = (record: PrivacyRecord) =>
  record.runs.map(({ rounds, events }) => [rounds, events.map((e) => e.count)]);

describe("a privacy record", () => {
  const record = recordAfter(account, 30, data);

  it("comes back as it was written, and is short", () => {
    const text = JSON.stringify(record);
    expect(text.length).toBeLessThan(400);
    expect(read(text)).toEqual(record);
    expect(counted(record)).toEqual([[30, [30]]]);
  });

  it("grows with every run, by a line only where something differs", () => {
    const same = recordAfter({ ...account, before: [...record.runs] }, 12, data);
    expect(counted(same)).toEqual([[42, [42]]]);
    const louder = { ...account.round, events: [{ ...event, noiseMultiplier: 2, count: 1 }] };
    const other = recordAfter({ ...account, before: [...same.runs], round: louder }, 5, data);
    expect(counted(other)).toEqual([
      [42, [42]],
      [5, [5]],
    ]);
    expect(recordAfter({ ...account, before: [...record.runs] }, 0, data).runs).toEqual(record.runs);
  });

  it("counts blocks of random allocation that have begun, of all runs", () => {
    const allocated = { kind: "allocated-gaussian", block: 7, noiseMultiplier: 1, adjacency: "add-or-remove" } as const;
    const round = { ...account.round, events: [{ ...allocated, count: 1 }] };
    const first = recordAfter({ ...account, round }, 15, data);
    expect(counted(first)).toEqual([[15, [3]]]);
    const both = recordAfter({ ...account, round, before: [...first.runs] }, 1, data);
    expect(counted(both)).toEqual([[16, [4]]]);
    expect(read(JSON.stringify(both))).toEqual(both);
    const [run] = both.runs;
    for (const count of [2, 17]) {
      const wrong = { ...both, runs: [{ ...run, events: [{ ...allocated, count }] }] };
      expect(read(JSON.stringify(wrong))).toMatchObject({ unusable: expect.any(String) });
    }
  });

  it("is nothing where a file has none", () => {
    expect(parsePrivacyRecord({ epsilon: "1" })).toBeUndefined();
    expect(parsePrivacyRecord(Object.create({ [PRIVACY_RECORD]: JSON.stringify(record) }))).toBeUndefined();
  });

  const [run] = record.runs;
  it.each<[string, unknown]>([
    ["no object", []],
    ["a version of its own", { ...record, v: 2 }],
    ["a further key", { ...record, epsilon: 0 }],
    ["no runs", { ...record, runs: undefined }],
    ["a negative count", { ...record, runs: [{ ...run, events: [{ ...event, count: -30 }] }] }],
    ["half a round", { ...record, runs: [{ ...run, events: [{ ...event, count: 0.5 }] }] }],
    ["a count beyond counting", { ...record, runs: [{ ...run, events: [{ ...event, count: 2 ** 52 }] }] }],
    ["rounds that cost nothing", { ...record, runs: [{ ...run, events: [] }] }],
    ["releases without rounds", { ...record, runs: [{ ...run, rounds: 0 }] }],
    ["fewer releases than rounds", { ...record, runs: [{ ...run, events: [{ ...event, count: 1 }] }] }],
    ["negative noise", { ...record, runs: [{ ...run, events: [{ ...event, noiseMultiplier: -1 }] }] }],
    ["a rate above 1", { ...record, runs: [{ ...run, events: [{ ...event, samplingRate: 2 }] }] }],
    [
      "a tree",
      {
        ...record,
        runs: [{ ...run, events: [{ kind: "tree-gaussian", noiseMultiplier: 1, steps: 2 ** 50, participations: 1 }] }],
      },
    ],
    [
      "two adjacencies",
      {
        ...record,
        runs: [run, { ...run, events: [{ kind: "gaussian", noiseMultiplier: 1, adjacency: "replace-one" }] }],
      },
    ],
    ["too many runs", { ...record, runs: Array.from({ length: 65 }, () => run) }],
    ["too many events", { ...record, runs: [{ ...run, events: Array.from({ length: 3 }, () => event) }] }],
    ["a hash that is a path", { ...record, weights: "../../etc/passwd" }],
    ["another unit", { ...record, unit: "households" }],
  ])("with %s cannot be used", (_what, value) => {
    expect(read(JSON.stringify(value))).toEqual({ unusable: expect.any(String) });
  });

  it("of any other text is refused with a short reason: cut, changed, nested, long", () => {
    const text = JSON.stringify(record);
    const hostile = ["", "null", "1e999", "[".repeat(100_000), `"${"x".repeat(200_000)}"`, '{"__proto__":{"v":1}}'];
    for (let i = 0; i < text.length; i++) {
      hostile.push(
        text.slice(0, i),
        `${text.slice(0, i)}-${text.slice(i)}`,
        `${text.slice(0, i)}9e99${text.slice(i + 1)}`,
      );
    }
    const accountant = createAccountant("rdp");
    for (const attempt of hostile) {
      const found = read(attempt)!;
      if ("unusable" in found) expect(found.unusable.length).toBeLessThan(60);
      else {
        const { epsilon } = accountant.epsilon(
          found.runs.flatMap(({ events }) => events),
          1e-5,
        );
        expect(epsilon).toBeGreaterThanOrEqual(0);
      }
    }
  });
});
