import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunEvent, stampEvent } from "@anabranch/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventLog } from "./event-log.ts";
import { exampleEvents } from "./example-events.ts";
import { MetricsCsv } from "./metrics-csv.ts";

let folder: string;
let events: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-metrics-"));
  events = join(folder, "events.jsonl");
  path = join(folder, "metrics.csv");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const header =
  "round,loss,test_loss,test_accuracy,client_mean,client_worst_decile,bytes_down,bytes_up,seconds,learning_rate,epsilon,epsilon_before,simulated_seconds,staleness";

async function log(list: readonly RunEvent[]): Promise<void> {
  const file = await EventLog.open(events);
  for (const event of list) await file.append(event);
  await file.close();
}

const lines = async () => (await readFile(path, "utf8")).trimEnd().split("\n");

describe("metrics.csv", () => {
  it("gets one line a round, empty where nothing was measured", async () => {
    const metrics = await MetricsCsv.open(path, events);
    expect(await lines()).toEqual([header]);
    const clients = { mean: 0.5, worstDecile: 0.25, best: 1, accuracies: [0.5], clients: [0] };
    for (const event of exampleEvents({ rounds: 2, cutOff: true })) {
      if (event.type === "checkpoint.saved" && event.round === 2) {
        await metrics.append(stampEvent({ type: "client.evaluation", round: 2, ...clients }));
      }
      await metrics.append(event);
    }
    await metrics.close();
    const expected = [header, "1,1,,,,,100,10,0.5,0.05,,,,", `2,0.5,0.5,${1 - 1 / 3},0.5,0.25,100,10,0.5,0.05,,,,`];
    expect(await lines()).toEqual(expected);
  });

  it("is the same whether written as events come or from the log", async () => {
    const list = exampleEvents({ rounds: 5 });
    const metrics = await MetricsCsv.open(path, events);
    for (const event of list) await metrics.append(event);
    await metrics.close();
    const live = await lines();
    await log(list);
    await MetricsCsv.open(path, events);
    expect(await lines()).toEqual(live);
    expect(live).toHaveLength(6);
  });

  it("shows the rounds that a resumed run repeats once", async () => {
    await log([...exampleEvents({ rounds: 4, cutOff: true }), ...exampleEvents({ rounds: 5, resumedFrom: 2 })]);
    await MetricsCsv.open(path, events);
    expect((await lines()).slice(1).map((line) => line.split(",")[0])).toEqual(["1", "2", "3", "4", "5"]);
  });

  it("has simulated time and mean staleness where rounds have them", async () => {
    const list = exampleEvents({ rounds: 1 }).map((event) =>
      event.type === "round.finished" ? { ...event, simulatedSeconds: 12.5, staleness: { mean: 1.5, max: 3 } } : event,
    );
    await log(list);
    await MetricsCsv.open(path, events);
    expect((await lines())[1]!.split(",").slice(-2)).toEqual(["12.5", "1.5"]);
  });

  it("leaves a cell empty where the loss is not finite", async () => {
    const list = exampleEvents({ rounds: 1 }).map((event) =>
      event.type === "round.finished" ? { ...event, loss: Number.NaN } : event,
    );
    await log(list);
    await MetricsCsv.open(path, events);
    expect((await lines())[1]).toBe("1,,,,,,100,10,0.5,0.05,,,,");
  });

  it.each([
    ["", {}],
    ["0.25", { before: 0.25 }],
    ["unknown", { covered: false }],
    ["unknown", { before: 0.25, covered: false }],
  ])("tells epsilon after each round of a private run, and before the first one: %j", async (before, scope) => {
    const rest = { delta: 1e-5, accountant: "rdp", ...scope };
    const list = exampleEvents({ rounds: 2 }).map((event) =>
      event.type === "round.finished"
        ? { ...event, privacy: { ...rest, epsilon: event.round === 1 ? 0.75 : null } }
        : event,
    );
    await log(list);
    await MetricsCsv.open(path, events);
    expect((await lines()).slice(1).map((row) => row.split(",").slice(10, 12))).toEqual([
      ["0.75", before],
      ["", before],
    ]);
  });
});
