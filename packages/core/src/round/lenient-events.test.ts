import { describe, expect, it } from "vitest";
import { EVENT_VERSION, stampEvent } from "./events.ts";
import { readEventLeniently } from "./lenient-events.ts";

describe("readEventLeniently", () => {
  it("reads what the round loop writes", () => {
    const executor = { name: "interpreter", version: "1", fingerprint: "f" };
    const started = stampEvent({
      ...{ type: "run.started", run: "r", name: "n", algorithm: "fedavg", model: "mlp", dataset: "d", executor },
      ...{ parameters: 10, clients: 5, cohort: 2.5, rounds: 3, workers: 1, seed: 7, resumedFrom: 1 },
    });
    const { v, ...rest } = started;
    expect(v).toBe(EVENT_VERSION);
    expect(readEventLeniently(started)).toEqual(rest);
    const warning = stampEvent({ type: "run.warning", code: "a/b", message: "m" });
    expect(readEventLeniently(warning)).toMatchObject({ type: "run.warning", code: "a/b" });
  });

  it("takes missing, null and strange values as NaN and empty, and drops what it does not know", () => {
    expect(readEventLeniently({ type: "run.started", v: 9, executor: { name: 3 }, resumedFrom: "x", new: 1 })).toEqual({
      ...{ type: "run.started", at: "", run: "", name: "", algorithm: "", model: "", dataset: "" },
      ...{ parameters: Number.NaN, clients: Number.NaN, cohort: Number.NaN, rounds: Number.NaN },
      ...{ workers: Number.NaN, seed: Number.NaN, executor: { name: "", version: "", fingerprint: "" } },
      resumedFrom: undefined,
    });
    const clients = { type: "client.evaluation", round: 2, accuracies: [0.5, null], clients: "none" };
    expect(readEventLeniently(clients)).toMatchObject({ accuracies: [0.5, Number.NaN], clients: [], mean: Number.NaN });
    expect(readEventLeniently({ type: "run.stopped", round: 1, reason: "bored" })).toMatchObject({
      reason: "bored",
      message: "",
    });
  });

  it.each([
    [{ type: "epsilon.spent", round: 1 }],
    [{ type: "round.finished" }],
    [{ type: "evaluation", round: -1 }],
    [3],
    [null],
  ])("refuses %j", (value) => {
    expect(readEventLeniently(value)).toBeUndefined();
  });
});
