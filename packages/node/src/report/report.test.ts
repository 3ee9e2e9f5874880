import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { plottedEpsilon } from "./charts/epsilon-rounds.ts";
import type { RunGroup } from "./comparison.ts";
import { figureSections, panelsOf, runFigures } from "./figures.ts";
import { drawPlot } from "./plot/draw.ts";
import type { Plot } from "./plot/plot.ts";
import { compareReport, groupReport, report, writeReport } from "./report.ts";
import { parseRun, type RunData, readRunFolder } from "./run-data.ts";
import { groupBySeed } from "./run-groups.ts";
import { syntheticRun } from "./synthetic-run.ts";

const attack = `<script>alert("x")</script>&'`;
const single = parseRun(syntheticRun());
const several = [
  single,
  parseRun(syntheticRun({ algorithm: "scaffold", plateau: 0.88, updateBytes: 4_654_000, seed: 2 })),
  parseRun(syntheticRun({ name: "fedprox", algorithm: "fedprox", plateau: 0.8 })),
];

const figuresOf = (runs: readonly RunData[]) =>
  (runs.length === 1 ? runFigures(runs[0]!) : figureSections(panelsOf(groupBySeed(runs)))).flatMap(
    ({ figures }) => figures,
  );
const withoutScripts = (page: string) => page.replace(/<script[\s\S]*?<\/script>/g, "");
const svgOf = (plot: Plot) => drawPlot(plot, { width: 560 }).svg;

describe("report", () => {
  it("holds the key metrics, all charts, the configuration and how to reproduce it", () => {
    const page = report(single);
    for (const text of [
      "Final accuracy",
      "698.1 MB",
      "npx anabranch run config.toml",
      "9f2c51d07be3a846",
      "client/not-finite",
    ]) {
      expect(page).toContain(text);
    }
    expect(page).toContain("learningRate = 0.05");
    expect(withoutScripts(page).match(/<svg /g)).toHaveLength(9);
  });

  it("shows what a private run has spent, and what that rests on", () => {
    const texts = syntheticRun({ rounds: 8 });
    const spend = (epsilon: (round: number) => number | null) => {
      const rounds = texts.events.replaceAll(
        /"type":"round.finished",("at":"[^"]*"),"round":(\d+)/g,
        (_all, at, round) =>
          `"type":"round.finished",${at},"round":${round},"privacy":${JSON.stringify({ epsilon: epsilon(Number(round)), delta: 1e-5, accountant: "rdp" })}`,
      );
      const events = rounds.replace(
        '"seed":1',
        '"seed":1,"privacy":"client-level","privacyAssumptions":["a trusted server"]',
      );
      return parseRun({ ...texts, events });
    };
    const page = report(spend((round) => 0.5 * round));
    const ids = figuresOf([spend((round) => 0.5 * round)]).map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(["epsilon-rounds", "accuracy-epsilon"]));
    for (const text of ["epsilon 4 at delta", "Done: client-level.", "<li>a trusted server</li>"]) {
      expect(page).toContain(text);
    }
    const silent = report(spend(() => null));
    expect(silent).toContain("<li>a trusted server</li>");
    expect(silent).not.toContain("Accuracy for privacy");
    expect(report(single)).not.toContain("<h2>Privacy</h2>");
  });

  it("draws no epsilon below what a run has spent, in the digits that a chart shows", () => {
    for (const epsilon of [0.123451, 4, 7.946464]) {
      expect(Number(plottedEpsilon({ epsilon }).toPrecision(5))).toBeGreaterThanOrEqual(epsilon);
    }
    expect(plottedEpsilon({ epsilon: 4 })).toBe(4);
    expect(plottedEpsilon({ epsilon: null })).toBeNaN();
  });

  it("names the machine and the commit of the last session, where the run recorded them", () => {
    const machine = { node: "v24.0.0", system: "linux 6.1 x64", processor: "<b>CPU</b>", cores: 2, memoryBytes: 8e9 };
    const environment = JSON.stringify({ ...machine, commit: "a1".repeat(20) });
    const page = report(parseRun({ ...syntheticRun({ rounds: 2 }), environment }));
    expect(page).toContain("&lt;b&gt;CPU&lt;/b&gt;, 2 cores, 8.0 GB of memory");
    expect(page).toContain("a1".repeat(20));
    expect(report(single)).not.toContain("Git commit");
  });

  it("needs no other file and no network", () => {
    const page = report(single);
    expect(page).not.toMatch(/<link|@import|src=/);
    expect(page.match(/https?:\/\/[^" ]+/g)?.filter((url) => !url.startsWith("http://www.w3.org/"))).toEqual([]);
  });

  it("gives ids that are unique on the page", () => {
    const ids = [...report(single).matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(ids).toContain("plots");
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("escapes everything that comes from the run", () => {
    const texts = syntheticRun({ rounds: 8 });
    const events = texts.events
      .replaceAll("Update holds NaN", JSON.stringify(attack).slice(1, -1))
      .replaceAll('"name":"quickstart"', `"name":${JSON.stringify(attack)}`)
      .replaceAll('"fedavg"', JSON.stringify(attack))
      .replaceAll('"9f2c51d07be3a846"', JSON.stringify(attack));
    const run = parseRun({
      ...texts,
      events,
      config: `name = '${attack}'`,
      partition: texts.partition.replace("dirichlet", "<script>"),
    });
    for (const page of [report(run), compareReport([run, single])]) {
      expect(page.match(/<script/g)).toHaveLength(2);
      expect(page).toContain("&lt;script&gt;");
    }
  });

  it("opens for a run that has hardly begun, and for one that diverged", () => {
    expect(report(parseRun({ id: "empty" }))).toContain("unfinished: 0 rounds recorded");
    const events = [
      { type: "run.started", name: "d", rounds: 5 },
      { type: "round.finished", round: 1, loss: null },
      { type: "evaluation", round: 1, loss: null, accuracy: null },
      { type: "run.stopped", round: 1, reason: "diverged", message: "The loss is not finite" },
    ];
    const page = report(parseRun({ events: events.map((event) => JSON.stringify(event)).join("\n") }));
    expect(page).toContain('<li class="bad">diverged at round 1</li>');
    expect(withoutScripts(page)).not.toContain("NaN");
  });
});

describe("how a run ended", () => {
  const badge = (...events: object[]) =>
    /<li class="(\w+)">([^<]*)</
      .exec(report(parseRun({ events: events.map((e) => JSON.stringify(e)).join("\n") })))!
      .slice(1);
  const stopped = (reason: string) => ({ type: "run.stopped", round: 2, reason, message: "Because." });
  const finished = { type: "run.finished", rounds: 2 };
  const failed = { type: "client.failed", round: 1, client: 0, code: "x/y", message: "m", retried: false };

  it("is red where it failed, and neither good nor bad where it was cut off or most clients failed", () => {
    expect(badge(stopped("diverged"))).toEqual(["bad", "diverged at round 2"]);
    expect(badge(stopped("clients-failed"))).toEqual(["bad", "failed at round 2"]);
    expect(badge(stopped("error"))).toEqual(["bad", "failed at round 2"]);
    expect(badge(stopped("interrupted"))).toEqual(["uncertain", "stopped at round 2: interrupted"]);
    expect(badge(stopped("early-stop"), finished)).toEqual(["good", "stopped at round 2: early-stop"]);
    expect(badge(failed, finished)).toEqual(["uncertain", "finished, but all clients failed"]);
    expect(badge(finished)).toEqual(["good", "finished"]);
  });
});

describe("charts", () => {
  it("are the same text whenever they are drawn", () => {
    const draw = () => figuresOf(several).map(({ plot }) => svgOf(plot));
    expect(draw()).toEqual(draw());
  });

  it("have no number that could not be drawn", () => {
    for (const { plot } of [...figuresOf([single]), ...figuresOf(several)]) {
      for (const width of [300, 560]) expect(drawPlot(plot, { width }).svg).not.toMatch(/NaN|Infinity|undefined|null/);
    }
  });

  it("fit the width of a phone without smaller text", () => {
    const long = parseRun(syntheticRun({ name: "a-name-that-is-longer-than-the-screen-of-a-phone", rounds: 6 }));
    for (const { plot } of figuresOf([long, single])) {
      const { svg } = drawPlot(plot, { width: 300 });
      expect(svg).toMatch(/^<svg [^>]*width="300"[^>]* font-size="13"/);
      expect([...svg.matchAll(/font-size="(\d+)"/g)].map(([, size]) => Number(size))).toEqual([13]);
    }
  });

  it("break a curve where a value is missing", () => {
    const texts = syntheticRun({ rounds: 20 });
    const events = texts.events.replace(/("round":9,"split":"test"),"loss":[\d.]+/, '$1,"loss":null');
    const loss = figuresOf([parseRun({ ...texts, events })]).find(({ id }) => id === "loss-rounds")!.plot;
    expect(svgOf(loss).match(/ d="(M[^"H]*M[^"H]*)"/g)).toHaveLength(1);
  });

  it("say where an axis of curves does not begin at 0", () => {
    const plot = (low: number): Plot => ({
      x: { label: "round" },
      y: { label: "accuracy (%)" },
      legend: [],
      marks: [{ kind: "line", name: "a", colour: "s0", dash: "solid", points: [[1, low], [2, 90]] }], // biome-ignore format: one line
    });
    expect(svgOf(plot(80))).toContain("accuracy (%) · axis begins at 79");
    expect(svgOf(plot(10))).not.toContain("axis begins");
  });

  it("draw the partition of the first run, and say how many others there are", () => {
    const partitions = (runs: RunData[]) => figuresOf(runs).filter(({ id }) => id.startsWith("partition"));
    expect(partitions([single, single])).toHaveLength(1);
    const runs = [1, 2, 3].map((seed) => parseRun(syntheticRun({ seed, rounds: 2, clients: 20 })));
    expect(partitions(runs).map(({ caption }) => caption)).toEqual([expect.stringMatching(/not drawn: 2\.$/)]);
  });

  it("order clients by their largest class only where clients differ by more than chance", () => {
    const caption = (counts: number[][]) =>
      runFigures(parseRun({ partition: JSON.stringify({ scheme: "iid", counts }) }))
        .flatMap(({ figures }) => figures)
        .find(({ id }) => id === "partition")!.caption;
    // 60 clients of 20 examples: alike but for one example each, or of a single class each
    const alike = Array.from({ length: 60 }, (_, i) => [10 + (i % 2), 10 - (i % 2)]);
    const apart = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? [20, 0] : [0, 20]));
    expect(caption(alike)).toContain("in the order of their numbers");
    expect(caption(apart)).toContain("ordered by largest class");
  });

  it("draw the phases of a round that took time, and curves of clients only where there are several points", () => {
    const texts = syntheticRun({ rounds: 5 });
    const timing = (events: string) =>
      figuresOf([parseRun({ ...texts, events })]).find(({ id }) => id === "timing-rounds")!.plot.legend;
    expect(timing(texts.events).map(({ name }) => name)).toEqual(expect.arrayContaining(["other", "evaluation"]));
    const exact = texts.events.replaceAll(
      /"seconds":[\d.]+,"trainSeconds":([\d.]+),"aggregateSeconds":[\d.]+/g,
      '"seconds":$1,"trainSeconds":$1',
    );
    expect(timing(exact).map(({ name }) => name)).not.toContain("other");
    expect(figuresOf([parseRun(texts)]).map(({ id }) => id)).not.toContain("client-rounds");
  });

  it("grow with their legend, so that the plot keeps its height", () => {
    const runs = Array.from({ length: 12 }, (_, index) =>
      parseRun(syntheticRun({ name: `a-long-name-of-a-run-${index}`, rounds: 2, clients: 20 })),
    );
    const heights = [[single], runs].map((drawn) => {
      const { top, bottom } = drawPlot(figuresOf(drawn)[0]!.plot, { width: 560 });
      return { top, tall: bottom - top };
    });
    expect(heights[0]!.tall).toBe(heights[1]!.tall);
    expect(heights[1]!.top).toBeGreaterThan(heights[0]!.top);
  });

  it("stay small for 1,000 clients and hundreds of rounds", () => {
    const run = parseRun(syntheticRun({ clients: 1000, rounds: 300, classes: 100 }));
    for (const { plot } of figuresOf([run])) expect(svgOf(plot).length).toBeLessThan(600_000);
  });
});

describe("a report of groups", () => {
  const group = (method: string, setting: string, seeds: number[], plateau = 0.8): RunGroup => ({
    method,
    setting,
    runs: seeds.map((seed) => parseRun(syntheticRun({ name: method, seed, plateau, rounds: 12 }))),
  });
  const groups = [group("a", "alpha 1", [1, 2]), group("b", "alpha 1", [1, 2]), group("b", "alpha 2", [1], 0.4)];

  it("has a panel for each setting, a method with one colour in all, and the same axes", () => {
    const figures = figureSections(panelsOf(groups)).flatMap((section) => section.figures);
    const [first, second] = figures.filter(({ id }) => id.startsWith("accuracy-rounds"));
    expect([first!.title, second!.title]).toEqual(["Test accuracy: alpha 1", "Test accuracy: alpha 2"]);
    const lines = (plot: Plot) => plot.marks.flatMap((mark) => (mark.kind === "line" ? [mark] : []));
    expect(lines(first!.plot).map(({ name, colour }) => [name, colour])).toEqual([
      ["a", "s0"],
      ["b", "s1"],
    ]);
    expect(lines(second!.plot).map(({ name, colour }) => [name, colour])).toEqual([["b", "s1"]]);
    expect(drawPlot(second!.plot, { width: 560 }).y).toEqual(drawPlot(first!.plot, { width: 560 }).y);
  });

  it("draws the mean over seeds, with a band from the lowest to the highest", () => {
    const runs = groups[0]!.runs;
    const line = figureSections(panelsOf(groups))[0]!.figures[0]!.plot.marks[0]!;
    const [x, y] = line.kind === "line" ? line.points[4]! : [];
    const values = runs.map(({ evaluations }) => evaluations[4]!.accuracy * 100);
    expect(x).toBe(5);
    expect(y).toBeCloseTo((values[0]! + values[1]!) / 2, 3);
    const band = line.kind === "line" ? line.band![4]! : [];
    expect(band[0]).toBeCloseTo(Math.min(...values), 3);
    expect(band[1]).toBeCloseTo(Math.max(...values), 3);
  });

  it("has the differences, the settings as parts of the table, and no best value", () => {
    const page = groupReport(groups);
    expect(page).toContain("difference to");
    expect(page).toContain('<th scope="rowgroup" colspan="11">alpha 1</th>');
    expect(page).not.toContain('best">');
    expect(withoutScripts(page)).not.toMatch(/NaN|undefined/);
  });

  it("has a red badge where a run failed", () => {
    const events = syntheticRun({ rounds: 3 }).events.replace(/\{[^\n]*"run.finished"[^\n]*\n/, "");
    const failed = `${events}${JSON.stringify({ type: "run.stopped", round: 3, reason: "error", message: "m" })}\n`;
    const page = groupReport([{ method: "a", setting: "", runs: [parseRun({ events: failed })] }]);
    expect(page).toContain('<li class="bad">1 run failed or diverged</li>');
    expect(groupReport(groups)).not.toContain('class="bad"');
  });
});

describe("compareReport", () => {
  it("says what a common accuracy costs and what differs", () => {
    const page = compareReport(several);
    expect(page).toContain("Comparison of 3 runs");
    expect(page).toMatch(/rounds to \d\d\.\d %/);
    expect(page).toContain("algorithm.name");
    expect(withoutScripts(page)).not.toMatch(/NaN|undefined/);
  });
});

describe("writeReport", () => {
  it("writes the page and the charts into the run folder", async () => {
    const folder = mkdtempSync(join(tmpdir(), "anabranch-report-"));
    try {
      const texts = syntheticRun({ rounds: 5 });
      writeFileSync(join(folder, "events.jsonl"), texts.events);
      writeFileSync(join(folder, "partition.json"), texts.partition);
      const files = await writeReport(folder, readRunFolder(folder));
      expect(files[0]).toBe("report.html");
      expect(
        readdirSync(join(folder, "charts"))
          .map((file) => `charts/${file}`)
          .sort(),
      ).toEqual(files.slice(1).sort());
      expect(readFileSync(join(folder, "charts/loss-rounds.svg"), "utf8")).toMatch(/^<svg [^>]*xmlns="http:/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
