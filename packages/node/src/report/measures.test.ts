import { describe, expect, it } from "vitest";
import { compareGroups } from "./comparison.ts";
import { coverageNote, diagnosticsShare, measuresOf, measureTexts } from "./measures.ts";
import { measuresTable } from "./measures-table.ts";
import { report } from "./report.ts";
import { parseRun, type RunData } from "./run-data.ts";

const flatness = { radius: 0.05, clients: 3, momentumDistance: 1, globalSharpness: 0.5, localSharpness: 0.25 };

/** A run of two rounds of 2 clients with 3 steps each. */
function run(seed: number, distance: number, start: object = {}, diagnostics: object = {}): RunData {
  const round = { type: "round.finished", clients: 2, steps: 6, bytesDown: 1000, bytesUp: 500, seconds: 2 };
  const events = [
    { type: "run.started", name: `r${seed}`, seed, algorithm: "fedavg", flopsPerStep: 10, flopsPerTask: 4, ...start },
    { ...round, round: 1, largestMessage: 400, cpuSeconds: 0.5 },
    { type: "diagnostics", round: 1, flatness: { ...flatness, distance: 9 }, seconds: 0.4 },
    { ...round, round: 2, largestMessage: 700, cpuSeconds: 0.25 },
    { type: "diagnostics", round: 2, flatness: { ...flatness, distance }, seconds: 0.6, ...diagnostics },
  ];
  return parseRun({ id: `r${seed}`, events: events.map((event) => JSON.stringify(event)).join("\n") });
}

describe("measures", () => {
  it("add up what rounds cost, and take the last diagnostics", () => {
    const measured = measuresOf(run(1, 1.5, { joulesPerByte: 0.01, joulesPerFlop: 0.5 }));
    // 2 rounds of 2 tasks with 6 steps in all
    const flops = 2 * (2 * 4 + 6 * 10);
    expect(measured).toMatchObject({ flops, largestMessage: 700, cpuSeconds: 0.75, flatnessDistance: 1.5 });
    expect(measured["joules"]).toBeCloseTo(3000 * 0.01 + flops * 0.5, 10);
    expect(diagnosticsShare(run(1, 1.5))).toBeCloseTo(0.25, 12);
  });

  it("show bytes by direction and codec, the ratio and the error of compression", () => {
    const compression = { clients: 2, bytes: 250, plainBytes: 1000, error: 0.3, cosine: 0.9 };
    const compressed = run(1, 1, { codecs: { up: "sign" } }, { compression });
    expect(measuresOf(compressed)).toMatchObject({
      compressionRatio: 4,
      compressionError: 0.3,
      compressionCosine: 0.9,
    });
    const page = report(compressed);
    expect(page).toMatch(/up<\/td>\s*<td[^>]*>1\.0 kB<\/td>\s*<td[^>]*>sign</);
    expect(page).toMatch(/down<\/td>\s*<td[^>]*>2\.0 kB<\/td>\s*<td[^>]*>floats</);
    expect(page).toContain("In round 2 payloads of uploads were 4.00 times smaller than floats.");
    expect(report(run(1, 1))).not.toContain("Bytes by direction");
  });

  it("count rounds of clients with models of other sizes as their events say", () => {
    const events = [
      { type: "run.started", name: "narrow", seed: 1, flopsPerStep: 10, flopsPerTask: 4 },
      { type: "round.finished", round: 1, clients: 2, steps: 6, seconds: 1, bytesDown: 1, bytesUp: 1, flops: 23 },
      { type: "round.finished", round: 2, clients: 2, steps: 6, seconds: 1, bytesDown: 1, bytesUp: 1, flops: 19 },
    ];
    const narrow = parseRun({ events: events.map((event) => JSON.stringify(event)).join("\n") });
    expect(measuresOf(narrow)).toMatchObject({ flops: 42 });
  });

  it("count the steps of a server that has a part of the model", () => {
    const split = run(1, 1, { serverFlopsPerStep: 7 });
    // 2 rounds with 6 steps in all of both clients
    expect(measuresOf(split)).toMatchObject({ serverFlops: 2 * 6 * 7 });
    expect(report(split)).toMatch(/server FLOPs<\/dt>\s*<dd>84 FLOP</);
    expect(measuresOf(run(1, 1))).not.toHaveProperty("serverFlops");
  });

  it("are absent where a run of an earlier version did not count", () => {
    const events = [
      { type: "run.started", name: "old", seed: 1 },
      { type: "round.finished", round: 1, clients: 2, seconds: 1, bytesDown: 1, bytesUp: 1 },
    ];
    const old = parseRun({ events: events.map((event) => JSON.stringify(event)).join("\n") });
    expect(measuresOf(old)).toEqual({});
    expect(measuresTable([{ label: "old" }])).toBeUndefined();
  });

  it("have a table of groups with their spread over the seeds", () => {
    const groups = [{ method: "fedavg", setting: "", runs: [run(1, 1), run(2, 2)] }];
    const { heads, rows } = measuresTable(compareGroups(groups).rows)!;
    const cell = (head: string) => rows[0]![heads.indexOf(head)];
    expect(cell("run")).toBe("fedavg");
    expect(cell("flatness distance")).toBe("1.5 ± 0.707");
    expect(cell("client FLOPs")).toBe("136 FLOP");
    expect(heads).not.toContain("energy");
  });

  it("have a note in comparisons of private runs", () => {
    expect(coverageNote([run(1, 1)])).toBeUndefined();
    expect(coverageNote([run(1, 1), run(2, 1, {}, { covered: false })])).toMatch(/not covered by epsilon/);
  });

  it("are part of the report, with a warning where epsilon does not cover them", () => {
    const open = report(run(1, 1.5));
    expect(open).toContain("Flatness distance");
    expect(open).toContain("Diagnostics took 25.0");
    expect(open).not.toContain("Epsilon does not cover");
    expect(report(run(1, 1.5, {}, { covered: false }))).toContain("Epsilon does not cover them");
  });
});

it("lists no accuracies of clients among diagnostics of one run", () => {
  const measures = { holdoutMean: 0.5, holdoutWorstDecile: 0.2, localWorstDecile: 0.1, coherence: 0.3, flops: 10 };
  expect(measureTexts(measures, false)).toEqual([["coherence", "0.3"]]);
  expect(measureTexts(measures, true)).toEqual([["client FLOPs", "10 FLOP"]]);
});
