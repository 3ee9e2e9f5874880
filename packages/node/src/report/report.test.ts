import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { drawFigures } from "./figures.ts";
import { compareReport, report, writeReport } from "./report.ts";
import { parseRun, readRunFolder } from "./run-data.ts";
import { syntheticRun } from "./synthetic-run.ts";

const attack = `<script>alert("x")</script>&'`;
const single = parseRun(syntheticRun());
const several = [
  single,
  parseRun(syntheticRun({ algorithm: "scaffold", plateau: 0.88, updateBytes: 4_654_000, seed: 2 })),
  parseRun(syntheticRun({ name: "fedprox", algorithm: "fedprox", plateau: 0.8 })),
];

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
    expect(page.match(/<svg /g)).toHaveLength(9);
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
    const ids = drawFigures([spend((round) => 0.5 * round)]).flatMap(({ figures }) => figures.map(({ id }) => id));
    expect(ids).toEqual(expect.arrayContaining(["epsilon-rounds", "accuracy-epsilon"]));
    for (const text of ["epsilon 4 at delta", "Done: client-level.", "<li>a trusted server</li>"]) {
      expect(page).toContain(text);
    }
    const silent = report(spend(() => null));
    expect(silent).toContain("<li>a trusted server</li>");
    expect(silent).not.toContain("Accuracy for privacy");
    expect(report(single)).not.toContain("<h2>Privacy</h2>");
  });

  it("needs no script and no network", () => {
    const page = report(single);
    expect(page).not.toMatch(/<script|<link|@import|src=/);
    expect(page.match(/https?:\/\/[^" ]+/g)?.filter((url) => !url.startsWith("http://www.w3.org/"))).toEqual([]);
  });

  it("gives ids inside the charts that are unique on the page", () => {
    const ids = [...report(single).matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(ids.length).toBeGreaterThan(3);
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
      expect(page).not.toContain("<script");
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
    expect(page).not.toContain("NaN");
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
    const first = drawFigures(several);
    drawFigures([single]);
    expect(drawFigures(several)).toEqual(first);
  });

  it("hold no number that could not be drawn", () => {
    for (const { figures } of [...drawFigures([single]), ...drawFigures(several)]) {
      for (const { svg } of figures) expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  it("draw one partition for runs that share it, else one each", () => {
    const titles = (runs: typeof several) =>
      drawFigures(runs)
        .flatMap(({ figures }) => figures.map(({ title }) => title))
        .filter((title) => title.startsWith("Label"));
    expect(titles([single, single])).toEqual(["Label distribution across clients"]);
    expect(titles(several)).toEqual([
      "Label distribution across clients: quickstart (fedavg), fedprox",
      "Label distribution across clients: quickstart (scaffold)",
    ]);
  });

  it("draw the phases of a round that took time, and curves of clients only where there are several points", () => {
    const drawn = (texts: ReturnType<typeof syntheticRun>) =>
      drawFigures([parseRun(texts)]).flatMap(({ figures }) => figures);
    const texts = syntheticRun({ rounds: 5 });
    const timing = drawn(texts).find(({ id }) => id === "timing-rounds")?.svg;
    expect(timing).toContain(">other<");
    expect(timing).toContain(">evaluation<");
    const exact = texts.events.replaceAll(
      /"seconds":[\d.]+,"trainSeconds":([\d.]+),"aggregateSeconds":[\d.]+/g,
      '"seconds":$1,"trainSeconds":$1',
    );
    expect(drawn({ ...texts, events: exact }).find(({ id }) => id === "timing-rounds")?.svg).not.toContain(">other<");
    expect(drawn(texts).map(({ id }) => id)).not.toContain("client-rounds");
  });

  it("draw at most four partitions and say how many are missing", () => {
    const runs = [1, 2, 3, 4, 5, 6].map((seed) => parseRun(syntheticRun({ seed, rounds: 2, clients: 20 })));
    const figures = drawFigures(runs).flatMap((section) => section.figures);
    const partitions = figures.filter(({ id }) => id.startsWith("partition"));
    expect(partitions).toHaveLength(4);
    expect(partitions.at(-1)?.caption).toMatch(/not drawn: 2\.$/);
  });

  it("grow with their legend, so that the plot keeps its height", () => {
    const runs = Array.from({ length: 12 }, (_, index) =>
      parseRun(syntheticRun({ name: `a-long-name-of-a-run-${index}`, rounds: 2, clients: 20 })),
    );
    const heights = [[single], runs].map((drawn) =>
      Number(/height="(\d+)"/.exec(drawFigures(drawn)[0]?.figures[0]?.svg ?? "")?.[1]),
    );
    expect(heights).toEqual([340, 340 + 5 * 24]);
  });

  it("stay small for 1,000 clients and hundreds of rounds", () => {
    const run = parseRun(syntheticRun({ clients: 1000, rounds: 300, classes: 100 }));
    for (const { figures } of drawFigures([run])) {
      for (const { svg } of figures) expect(svg.length).toBeLessThan(600_000);
    }
  });
});

describe("compareReport", () => {
  it("says what a common accuracy costs and what differs", () => {
    const page = compareReport(several);
    expect(page).toContain("Comparison of 3 runs");
    expect(page).toMatch(/rounds to \d\d\.\d %/);
    expect(page).toContain("algorithm.name");
    expect(page).not.toMatch(/NaN|undefined/);
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
