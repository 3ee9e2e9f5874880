import { foldEvents } from "@anabranch/core";
import { beforeAll, describe, expect, it } from "vitest";
import { compareGroups } from "../report/comparison.ts";
import { modelCard } from "../report/model-card.ts";
import { compareReport, report } from "../report/report.ts";
import type { RunData } from "../report/run-data.ts";
import { exampleEvents } from "../store/example-events.ts";
import { RunSummarizer } from "../store/run-summary.ts";
import { TerminalView } from "../terminal/terminal-view.ts";
import { table } from "./text.ts";

/** More than a function takes arguments (about 120,000). */
const rounds = 150_000;

let events: ReturnType<typeof exampleEvents>;
let run: RunData;
beforeAll(() => {
  events = exampleEvents({ rounds });
  // the strict events are lenient ones, too, where all their numbers are finite
  const history = foldEvents(events as Parameters<typeof foldEvents>[0]);
  const counts = Array.from({ length: rounds }, () => [1, 2]);
  const partition = { scheme: "iid", counts, statistics: {} };
  run = {
    ...history,
    id: "abc234",
    name: "long",
    partition,
    classMetrics: undefined,
    environment: undefined,
    configText: "",
    skippedEvents: 0,
  };
}, 300_000);

describe("a run of 150,000 rounds", { timeout: 300_000 }, () => {
  it("is summed up after each of its rounds", () => {
    const summarizer = new RunSummarizer("abc234", "folder");
    for (const event of events) {
      summarizer.add(event);
      if (event.type === "round.finished") expect(summarizer.summary.roundsDone).toBe(event.round);
    }
    expect(summarizer.summary).toMatchObject({ roundsDone: rounds, bytesUp: 10 * rounds, status: "finished" });
  });

  it("has a report, a card and an end", () => {
    expect(report(run)).toContain("150,000");
    expect(modelCard(run)).toContain("| rounds | 150000 |");
    const written: string[] = [];
    const view = new TerminalView({ isTTY: false, write: (text) => written.push(text) }, "human");
    for (const event of events) view.onEvent(event);
    view.finish({ folder: "folder", files: [] });
    expect(written.slice(-20).join("")).toContain("finished");
  });

  it("is compared, and listed round by round", () => {
    expect(compareReport([run, { ...run, id: "abc235" }])).toContain("Comparison of 2 runs");
    const { rows } = compareGroups([{ method: "long", setting: "", runs: [run] }], { target: 0.99 });
    expect(rows[0]?.toTarget).toMatchObject({ reached: 1, rounds: 100, bytesUp: 1000 });
    const columns = [{ head: "round", right: true }];
    expect(
      table(
        columns,
        run.rounds.map(({ round }) => [String(round)]),
        80,
      ),
    ).toHaveLength(rounds + 1);
  });
});
