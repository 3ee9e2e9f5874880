import { type LenientEvent, readEventLeniently } from "@anabranch/core";
import { expect, it } from "vitest";
import { eventLines } from "./event-lines.ts";
import { type History, HistoryFold } from "./history.ts";
import { runFacts } from "./run-facts.ts";

const event = (of: object): LenientEvent => readEventLeniently({ v: 1, at: "2026-01-01T00:00:00Z", ...of })!;
const historyOf = (events: readonly LenientEvent[]): History => {
  const fold = new HistoryFold();
  for (const one of events) fold.add(one);
  return fold.history;
};
const finished = (round: number, loss: number) =>
  event({ type: "round.finished", round, loss, clients: 2, bytesUp: 10 });

it("puts the numbers of a round together, in order", () => {
  const history = historyOf([
    event({ type: "evaluation", round: 0, split: "test", loss: 2.3, accuracy: 0.1 }),
    finished(1, 1.5),
    event({ type: "evaluation", round: 1, split: "test", loss: 1.2, accuracy: 0.6, seconds: 0.5 }),
    finished(2, 1),
  ]);
  expect(history.rounds).toMatchObject([
    { round: 0, testLoss: 2.3, trainLoss: Number.NaN },
    { round: 1, testLoss: 1.2, trainLoss: 1.5, accuracy: 0.6, evaluateSeconds: 0.5, clients: 2, bytesUp: 10 },
    { round: 2, trainLoss: 1, accuracy: Number.NaN },
  ]);
});

it("replaces a round that is repeated after a crash", () => {
  const history = historyOf([finished(1, 9), finished(2, 9), finished(2, 1)]);
  expect(history.rounds.map(({ round, trainLoss }) => [round, trainLoss])).toEqual([
    [1, 9],
    [2, 1],
  ]);
});

it("reports the end that the run reported, and that a resumed run has none", () => {
  const started = event({ type: "run.started", run: "a" });
  const ended = event({ type: "run.finished", rounds: 3 });
  const stopped = (reason: string) => event({ type: "run.stopped", round: 3, reason, message: "why" });
  expect(historyOf([started, stopped("interrupted")])).toMatchObject({
    status: "interrupted",
    log: [{ bad: true }, {}],
  });
  expect(historyOf([started, stopped("interrupted"), started]).status).toBe("running");
  expect(historyOf([started, ended]).status).toBe("finished");
  expect(historyOf([started, stopped("diverged"), ended]).status).toBe("diverged");
  expect(historyOf([started, stopped("early-stop"), ended]).status).toBe("stopped");
  expect(historyOf([started, stopped("clients-failed")]).status).toBe("failed");
});

it("drops rounds that a resumed run repeats", () => {
  const resumed = event({ type: "run.started", run: "a", resumedFrom: 1 });
  expect(historyOf([finished(1, 9), finished(2, 9), resumed]).rounds.map(({ round }) => round)).toEqual([1]);
});

it("adds up rounds until the run has ended, and then has what its end says of all of it", () => {
  const fact = (name: string, ...events: LenientEvent[]) => new Map(runFacts(historyOf(events))).get(name);
  const ended = event({ type: "run.finished", rounds: 2, bytesUp: 50, accuracy: null });
  expect(fact("Received from clients", finished(1, 1), finished(2, 1))).toBe("20 B");
  expect(fact("Received from clients", finished(2, 1), ended)).toBe("50 B");
  expect(fact("Test accuracy", finished(2, 1), ended)).toBe("–");
});

it("has the error in place of the accuracy where numbers are predicted", () => {
  const begin = event({ type: "run.started", run: "a", predicts: "numbers" });
  const evaluated = event({ type: "evaluation", round: 1, split: "test", loss: 0.5, accuracy: null, rmse: 12.345678 });
  const history = historyOf([begin, finished(1, 1), evaluated]);
  expect(history.rounds).toMatchObject([{ round: 1, accuracy: Number.NaN, rmse: 12.345678 }]);
  expect(runFacts(history)[0]).toEqual(["Test RMSE", "12.346"]);
  expect(history.log[0]!.text).toBe("Round 1: test loss 0.5000, RMSE 12.3457.");
});

it("shows epsilon as the report does, and never that of an earlier round", () => {
  const privately = (round: number, epsilon: number | null) =>
    event({ type: "round.finished", round, loss: 1, privacy: { epsilon, delta: 0.001, accountant: "pld" } });
  const privacyOf = (...events: LenientEvent[]) => new Map(runFacts(historyOf([started, ...events]))).get("Privacy");
  const started = event({ type: "run.started", run: "a" });
  expect(privacyOf(privately(1, 2))).toBe("epsilon 2 at delta 0.001 (pld)");
  expect(privacyOf(privately(1, 2), privately(2, null))).toBe("epsilon none at delta 0.001 (pld)");
  expect(privacyOf(finished(1, 1))).toBe("not private");
});

it("reads server-sent events however they are cut", async () => {
  const bytes = new TextEncoder().encode(': events\n\nid: 1\ndata: {"a":1}\n\nid: 2\ndata: {"b":"ü"}\n\n');
  for (const size of [1, 7, 100]) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    const lines: string[] = [];
    for await (const some of eventLines(body)) lines.push(...some);
    expect(lines).toEqual(['{"a":1}', '{"b":"ü"}']);
  }
});
