import { stampEvent } from "@anabranch/core";
import { describe, expect, it } from "vitest";
import type { RunStarted } from "../report/events.ts";
import { syntheticRun } from "../report/synthetic-run.ts";
import { createColours } from "./colours.ts";
import { formatLoss } from "./round-line.ts";
import { TerminalView } from "./terminal-view.ts";

const plain = createColours(false);

function record(options: { isTTY?: boolean; columns?: number } = {}) {
  const written: string[] = [];
  const stream = { ...options, write: (text: string) => written.push(text) };
  return { stream, text: () => written.join("") };
}

function eventsOf(options: Parameters<typeof syntheticRun>[0] = {}): { type: string }[] {
  return syntheticRun(options)
    .events.trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** What a terminal would show of text with carriage returns and erased lines. */
function shown(text: string): string {
  return text
    .split("\n")
    .map((line) => line.slice(line.lastIndexOf("\u001b[2K") + 1).replace("[2K", ""))
    .join("\n");
}

describe("TerminalView", () => {
  it("prints the plan, one aligned line a round, warnings and the result", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "human", plain);
    for (const event of eventsOf({ rounds: 12 })) view.onEvent(event);
    view.finish({ folder: "runs/x", files: ["config.toml", "report.html", "charts/a.svg", "charts/b.svg"] });
    const lines = text().split("\n");
    expect(lines[0]).toBe("quickstart");
    expect(text()).toContain("  model      cnn28 (582,026 parameters)\n");
    expect(text()).toContain("  clients    100, cohort 10 per round (10 %)\n");
    const rounds = lines.filter((line) => line.startsWith("round "));
    expect(rounds).toHaveLength(12);
    expect(rounds[0]).toMatch(
      /^round {2}1\/12 {2}loss \d\.\d{4} {2}accuracy \d\d\.\d{2} % {2} +\d+\.\d clients\/s {2}down {2}23\.3 MB {2}up {2}23\.3 MB {2}ETA 0:13$/,
    );
    expect(new Set(rounds.map((line) => line.indexOf("ETA"))).size).toBe(1);
    expect(
      lines.filter((line) => line.startsWith("warning  round 7: 1 of 10 clients failed (client/not-finite): ")),
    ).toHaveLength(1);
    expect(text()).toContain("╭─ finished ─");
    expect(text()).toContain("  charts/ (2 SVG files)\n");
    expect(text()).toContain("runs/x/report.html\n");
    expect(text()).not.toContain("\u001b");
  });

  it("says how clients' own models do beside the global one", () => {
    const { stream, text } = record({ columns: 100 });
    const view = new TerminalView(stream, "human", plain);
    const own = (mean: number) => ({ mean, worstDecile: 0.25, best: 1, accuracies: [] });
    const ofClients = { personal: own(0.75), adapted: own(0.875) };
    for (const event of eventsOf({ rounds: 2 }))
      view.onEvent(event.type === "client.evaluation" ? Object.assign(event, ofClients) : event);
    view.finish({ folder: "runs/x", files: [] });
    expect(text()).toMatch(/│ personal {3}mean 75\.0 %, bottom decile 25\.0 % +│\n│ adapted {4}mean 87\.5 %, /);
  });

  it("says how many clients of an asynchronous run train at a time", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "human", plain);
    const [start] = eventsOf({ rounds: 1 });
    view.onEvent({ ...start, asynchronous: { buffer: 5, concurrency: 10 } } as RunStarted);
    expect(text()).toContain("  clients    100, 10 at a time, 5 updates per round\n");
  });

  it("keeps the box rectangular", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "human", plain);
    for (const event of eventsOf({ rounds: 3 })) view.onEvent(event);
    view.finish({ folder: "runs/x", files: [] });
    const box = text()
      .split("\n")
      .filter((line) => /^[╭│╰]/.test(line));
    expect(box.length).toBeGreaterThan(5);
    expect(new Set(box.map((line) => line.length)).size).toBe(1);
  });

  it("shows the same lines on a terminal, after the passing ones are erased", () => {
    const events = eventsOf({ rounds: 4 });
    const [pipe, tty] = [record(), record({ isTTY: true, columns: 120 })];
    for (const { stream } of [pipe, tty]) {
      const view = new TerminalView(stream, "human", plain);
      for (const event of events) view.onEvent(event);
      view.close();
    }
    expect(tty.text()).toContain("training 10 clients");
    expect(shown(tty.text())).toBe(pipe.text());
  });

  it("does not call a run finished without a word when most of its clients failed", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "human", plain);
    for (const event of eventsOf({ rounds: 2 })) {
      const nothing = event.type === "round.finished" ? { clients: 0 } : {};
      view.onEvent(Object.assign(event, nothing));
      if (event.type !== "round.started") continue;
      const failure = { client: 1, code: "client/not-finite", message: "it diverged", retried: false };
      view.onEvent({ ...event, type: "client.failed", ...failure });
    }
    view.finish({ folder: "runs/x", files: [] });
    expect(text()).toContain("finished, but all clients failed");
    expect(text()).toMatch(/failures +(\d) of \1 client tasks/);
  });

  it("shows once that a client stays away, until that changes", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "human", plain);
    const finished = eventsOf({ rounds: 1 }).find(({ type }) => type === "round.finished")!;
    const away: Record<number, readonly (readonly [number, string])[]> = {
      1: [[2, "client/late"]],
      2: [[2, "client/late"]],
      3: [
        [2, "client/late"],
        [1, "client/late"],
      ],
      4: [[2, "client/left"]],
      5: [[2, "client/left"]],
      6: [],
      7: [[2, "client/left"]],
    };
    for (const [round, failures] of Object.entries(away).map(([key, value]) => [Number(key), value] as const)) {
      // round 5 goes without client 2: that it is not asked is no return
      const cohort = round === 5 ? [0, 1] : [0, 1, 2];
      view.onEvent(stampEvent({ type: "round.started", round, cohort, learningRate: 0.1 }));
      for (const [client, code] of round === 5 ? [] : failures)
        view.onEvent(stampEvent({ type: "client.failed", round, client, code, message: "gone", retried: false }));
      view.onEvent({ ...finished, round } as { type: string });
    }
    view.close();
    const lines = text().split("\n");
    expect(lines.filter((line) => line.startsWith("warning"))).toEqual([
      "warning  round 1: 1 of 3 clients failed (client/late): gone; client 2",
      "warning  round 3: 2 of 3 clients failed (client/late): gone; clients 2, 1",
      "warning  round 4: 1 of 3 clients failed (client/left): gone; client 2",
      "warning  round 7: 1 of 3 clients failed (client/left): gone; client 2",
    ]);
    expect(lines.filter((line) => line.includes("again"))).toEqual([]);
  });

  it("shows that a client takes part again whose failures were not repeated", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "human", plain);
    const finished = eventsOf({ rounds: 1 }).find(({ type }) => type === "round.finished")!;
    for (const round of [1, 2, 3, 4]) {
      view.onEvent(stampEvent({ type: "round.started", round, cohort: [0, 1], learningRate: 0.1 }));
      const failed = { type: "client.failed", round, client: 1, code: "client/late", message: "gone" } as const;
      if (round < 3) view.onEvent(stampEvent({ ...failed, retried: false }));
      view.onEvent({ ...finished, round } as { type: string });
    }
    view.close();
    expect(text().match(/warning/g)).toHaveLength(1);
    expect(text().match(/round \d: client 1 takes part again/g)).toEqual(["round 3: client 1 takes part again"]);
  });

  it("says in one line which clients of a round failed alike, and in red that the run diverged", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "human", plain);
    const cohort = Array.from({ length: 13 }, (_, i) => i);
    view.onEvent(stampEvent({ type: "round.started", round: 3, cohort, learningRate: 1 }));
    for (const client of cohort) {
      const message = `the update is not finite (round 3, client ${client}); received loss NaN. Lower the rate.`;
      const code = client === 5 ? "worker/lost" : "client/not-finite";
      view.onEvent(stampEvent({ type: "client.failed", round: 3, client, code, message, retried: client === 5 }));
    }
    const none = { code: "round/no-updates", message: "Round 3: all 13 clients of the cohort failed" };
    view.onEvent(stampEvent({ type: "run.warning", ...none }));
    view.onEvent(
      stampEvent({ type: "run.stopped", round: 3, reason: "diverged", message: "Rounds 1 to 3: none left." }),
    );
    view.finish({ folder: "runs/x", files: [] });
    expect(text().split("\n").slice(0, 4)).toEqual([
      "warning  round 3: 12 of 13 clients failed (client/not-finite): the update is not finite; clients 0, 1, 2, 3, 4, 6, 7, 8, 9, 10 and 2 more",
      "warning  round 3: 1 of 13 clients failed (worker/lost, tried again): the update is not finite; client 5",
      "diverged. Rounds 1 to 3: none left.",
      "",
    ]);
    expect(text()).toContain("╭─ diverged at round 3 ─");
  });

  it("leaves parts out where the terminal is narrow", () => {
    for (const columns of [90, 70, 50, 40]) {
      const { stream, text } = record({ isTTY: true, columns });
      const view = new TerminalView(stream, "human", plain);
      for (const event of eventsOf({ rounds: 2 })) view.onEvent(event);
      view.close();
      const rounds = shown(text())
        .split("\n")
        .filter((line) => line.startsWith("round "));
      expect(rounds.every((line) => line.length < columns)).toBe(true);
    }
  });

  it("prints a line for a round that is not evaluated", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "human", plain);
    for (const event of eventsOf({ rounds: 3 })) if (event.type !== "evaluation") view.onEvent(event);
    expect(text().match(/^round .* accuracy {7}– /gm)).toHaveLength(3);
  });

  it("passes every event on as one line of JSON, also unknown ones", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "json");
    const events = [...eventsOf({ rounds: 2 }), { type: "epsilon.spent", epsilon: 1 }];
    for (const event of events) view.onEvent(event);
    view.finish({ folder: "runs/x", files: ["report.html"] });
    const lines = text().trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      ...events,
      { v: 1, type: "run.files", folder: "runs/x", files: ["report.html"] },
    ]);
  });

  it("shows what the operator should know though the run goes on", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "human", plain);
    view.onEvent(stampEvent({ type: "run.warning", code: "executor/fallback", message: "It is slower." }));
    expect(text()).toBe("warning  It is slower. (executor/fallback)\n");
  });

  it("is silent when asked to be", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "quiet");
    for (const event of eventsOf({ rounds: 2 })) view.onEvent(event);
    view.note("remark");
    view.finish({ folder: "runs/x", files: ["report.html"] });
    expect(text()).toBe("");
  });

  it("does not let names or messages steer the terminal", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "human", plain);
    view.onEvent({ type: "run.started", name: "a\u001b[31mred\u0007\nb", rounds: 2 } as { type: string });
    const failed = {
      type: "client.failed",
      round: 1,
      client: 3,
      code: "x/y",
      message: "\u001b[2Jgone\r\n",
      retried: true,
    };
    view.onEvent(failed);
    expect(text()).toContain("a␛[31mred␇␊b\n");
    view.close();
    expect(text()).toContain("1 client failed (x/y, tried again): ␛[2Jgone␍; client 3\n");
    expect(text()).not.toContain("\u001b");
  });

  it("writes colours only where they are asked for", () => {
    const { stream, text } = record();
    const view = new TerminalView(stream, "human", createColours(true));
    for (const event of eventsOf({ rounds: 1 })) view.onEvent(event);
    expect(text()).toContain("\u001b[1mquickstart\u001b[22m");
  });
});

describe("formatLoss", () => {
  it("keeps six columns", () => {
    expect([0.51234, 9.99999, 12.3456, 123.456, 1234.56, 123456].map(formatLoss)).toEqual([
      "0.5123",
      "10.000",
      "12.346",
      "123.46",
      "1234.6",
      "1.2e+5",
    ]);
    expect(formatLoss(Number.NaN)).toBe("–");
  });
});
