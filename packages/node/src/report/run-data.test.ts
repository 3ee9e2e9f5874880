import { describe, expect, it } from "vitest";
import { parseMetrics } from "./metrics-csv.ts";
import { parseRun } from "./run-data.ts";
import { firstReaching, summarise, uploadedBy } from "./summary.ts";
import { syntheticRun } from "./synthetic-run.ts";

const lines = (...events: object[]) => events.map((event) => JSON.stringify(event)).join("\n");
const finished = (round: number, fields: object = {}) => ({
  type: "round.finished",
  round,
  loss: 1,
  bytesUp: 10,
  seconds: 2,
  ...fields,
});
const evaluated = (round: number, accuracy: number | null) => ({
  type: "evaluation",
  round,
  split: "test",
  loss: 1,
  accuracy,
});

describe("parseRun", () => {
  it("reads a whole run", () => {
    const run = parseRun(syntheticRun());
    expect(run.name).toBe("quickstart");
    expect(run.rounds).toHaveLength(30);
    expect(run.evaluations).toHaveLength(30);
    expect(run.clientEvaluations.map((evaluation) => evaluation.round)).toEqual([5, 10, 15, 20, 25, 30]);
    expect(run.partition?.counts).toHaveLength(100);
    expect(run.failures).toHaveLength(1);
    expect(run.skippedEvents).toBe(0);
    expect(summarise(run).status).toBe("finished");
  });

  it("skips a cut last line, unknown events and unknown fields", () => {
    const events = `${lines(finished(1, { epsilon: 0.3 }), { type: "epsilon.spent", round: 1 }, evaluated(1, 0.5))}\n{"v":1,"type":"round.fin`;
    const run = parseRun({ id: "k3x", events });
    expect(run.id).toBe("k3x");
    expect(run.rounds).toHaveLength(1);
    expect(run.rounds[0]).not.toHaveProperty("epsilon");
    expect(run.evaluations).toHaveLength(1);
    expect(run.skippedEvents).toBe(2);
    expect(summarise(run).status).toBe("unfinished");
  });

  it("takes null and missing numbers as NaN", () => {
    const run = parseRun({ events: lines(finished(1, { loss: null }), evaluated(1, null)) });
    expect(run.rounds[0]?.loss).toBeNaN();
    expect(run.rounds[0]?.trainSeconds).toBeNaN();
    expect(summarise(run).accuracy).toBeNaN();
    expect(summarise(run).bestRound).toBeNaN();
  });

  it("survives empty and broken files", () => {
    const run = parseRun({ events: "not json\n", metrics: "a,b\n1", partition: "{", config: "" });
    expect(run.rounds).toEqual([]);
    expect(run.partition).toBeUndefined();
    expect(parseRun({}).name).toBe("run");
  });

  it("drops what a resumed run did again, and forgets that it had stopped", () => {
    const events = lines(
      { type: "run.started", name: "a", rounds: 4 },
      finished(1),
      finished(2, { loss: 7 }),
      finished(3, { loss: 7 }),
      { type: "client.failed", round: 3, client: 1, code: "x", message: "x", retried: false },
      { type: "run.stopped", round: 3, reason: "interrupted", message: "" },
      { type: "run.started", name: "a", rounds: 4, resumedFrom: 1 },
      finished(2),
    );
    const run = parseRun({ events });
    expect(run.rounds.map(({ round, loss }) => [round, loss])).toEqual([
      [1, 1],
      [2, 1],
    ]);
    expect(run.failures).toEqual([]);
    expect(run.stopped).toBeUndefined();
  });

  it("fills rounds that the events lack from metrics.csv", () => {
    const metrics = "round,loss,test_loss,test_accuracy,bytes_up\n1,9,1,0.9,5\n2,0.5,0.6,0.7,20\n3,0.4,,,20\n4,0";
    const run = parseRun({ events: lines(finished(1), evaluated(1, 0.5)), metrics });
    expect(run.rounds.map(({ round, loss }) => [round, loss])).toEqual([
      [1, 1],
      [2, 0.5],
      [3, 0.4],
    ]);
    expect(run.evaluations.map(({ accuracy }) => accuracy)).toEqual([0.5, 0.7]);
    expect(parseMetrics(metrics)).toHaveLength(3);
  });
});

describe("summaries", () => {
  const run = parseRun({
    events: lines(finished(1), evaluated(1, 0.5), finished(2), evaluated(2, 0.8), finished(3), evaluated(3, 0.8)),
  });

  it("come from the rounds where the run did not finish; the earliest of equal bests counts", () => {
    expect(summarise(run)).toMatchObject({
      rounds: 3,
      accuracy: 0.8,
      bestRound: 2,
      bytesUp: 30,
      seconds: 6,
      modelHash: "",
    });
  });

  it("know what was uploaded by a round and when an accuracy was reached", () => {
    expect([0, 1, 2, 9].map(uploadedBy(run))).toEqual([0, 10, 20, 30]);
    expect(firstReaching(run, 0.6)).toEqual({ round: 2, bytesUp: 20, simulatedSeconds: Number.NaN });
    expect(firstReaching(run, 0.9)).toBeUndefined();
  });
});
