import { describe, expect, it } from "vitest";
import { EVENT_VERSION, type RunEventBody, renderEvent, stampEvent } from "./events.ts";
import { parseEvent } from "./parse-event.ts";

const bodies: RunEventBody[] = [
  {
    type: "run.started",
    run: "r1",
    name: "quickstart",
    algorithm: "fedavg",
    model: "cnn-28x28",
    dataset: "fashion-mnist-10k",
    parameters: 1_663_370,
    clients: 100,
    cohort: 10,
    rounds: 30,
    executor: { name: "onnxruntime-node", version: "1.30.0", fingerprint: "0123" },
    workers: 2,
    seed: 1,
    resumedFrom: 7,
  },
  { type: "round.started", round: 1, cohort: [3, 1, 2], learningRate: 0.05 },
  { type: "client.failed", round: 1, client: 3, code: "update/not-finite", message: "NaN", retried: false },
  {
    type: "round.finished",
    round: 1,
    loss: 2.3,
    clients: 9,
    examples: 720,
    bytesDown: 100,
    bytesUp: 90,
    seconds: 1.5,
    trainSeconds: 1.2,
    aggregateSeconds: 0.1,
    clientsPerSecond: 6,
    clientLossMin: 1,
    clientLossMax: 3,
    updateNorm: 0.5,
  },
  { type: "evaluation", round: 1, split: "test", loss: 2, accuracy: 0.25, examples: 2000, seconds: 0.4 },
  {
    type: "client.evaluation",
    round: 1,
    mean: 0.5,
    worstDecile: 0.1,
    best: 0.9,
    accuracies: [0.1, 0.9],
    clients: [4, 8],
  },
  { type: "checkpoint.saved", round: 1, file: "checkpoints/round-000001.safetensors", bytes: 12345 },
  { type: "run.stopped", round: 1, reason: "interrupted", message: "Ctrl-C" },
  {
    type: "run.finished",
    rounds: 30,
    seconds: 50,
    loss: 0.7,
    accuracy: 0.75,
    bestRound: 28,
    bestAccuracy: 0.76,
    bytesDown: 1000,
    bytesUp: 900,
    modelHash: "ffff",
  },
];

describe("events", () => {
  it.each(bodies)("$type survives a line of JSON", (body) => {
    const event = stampEvent(body, Date.UTC(2026, 0, 2, 3, 4, 5));
    expect(event).toEqual({ ...body, v: EVENT_VERSION, at: "2026-01-02T03:04:05.000Z" });
    const line = renderEvent(event);
    expect(line).not.toContain("\n");
    expect(parseEvent(line)).toEqual(event);
  });

  it("carry numbers that are missing or not finite as null", () => {
    for (const loss of [null, Number.NaN, Number.POSITIVE_INFINITY]) {
      const line = renderEvent(stampEvent({ ...(bodies[4] as RunEventBody & { type: "evaluation" }), loss }));
      expect(line).toContain('"loss":null');
      expect(parseEvent(line)).toMatchObject({ loss: null });
    }
  });

  it("drop fields of later versions", () => {
    const line = JSON.stringify({ ...stampEvent(bodies[7]!), later: 1 });
    expect(parseEvent(line)).not.toHaveProperty("later");
  });

  const stopped = stampEvent(bodies[7]!);
  it.each<[string, RegExp, string]>([
    ["event/json", /not JSON \(line 3\)/, '{"v":1,"type":"round.sta'],
    ["event/invalid", /event/, "null"],
    ["event/invalid", /type/, JSON.stringify({ ...stopped, type: "round.exploded" })],
    ["event/invalid", /reason/, JSON.stringify({ ...stopped, reason: "boredom" })],
    ["event/invalid", /round/, JSON.stringify({ ...stopped, round: -1 })],
    ["event/invalid", /at/, JSON.stringify({ ...stopped, at: "yesterday" })],
    ["event/version", /received v 2; expected v 1/, JSON.stringify({ ...stopped, v: 2 })],
  ])("refuse: %s %s", (code, text, line) => {
    expect(() => parseEvent(line, "line 3")).toThrow(expect.objectContaining({ code }));
    expect(() => parseEvent(line, "line 3")).toThrow(text);
  });
});
