import { type LenientEvent, readEventLeniently } from "@anabranch/core";
import { expect, it } from "vitest";
import { eventLines } from "./event-lines.ts";
import { after, noHistory } from "./history.ts";

const event = (of: object): LenientEvent => readEventLeniently({ v: 1, at: "2026-01-01T00:00:00Z", ...of })!;
const finished = (round: number, loss: number) =>
  event({ type: "round.finished", round, loss, clients: 2, bytesUp: 10 });

it("puts the numbers of a round together, in order", () => {
  const history = [
    event({ type: "evaluation", round: 0, split: "test", loss: 2.3, accuracy: 0.1 }),
    finished(1, 1.5),
    event({ type: "evaluation", round: 1, split: "test", loss: 1.2, accuracy: 0.6, seconds: 0.5 }),
    finished(2, 1),
  ].reduce(after, noHistory);
  expect(history.rounds).toMatchObject([
    { round: 0, testLoss: 2.3, trainLoss: Number.NaN },
    { round: 1, testLoss: 1.2, trainLoss: 1.5, accuracy: 0.6, evaluateSeconds: 0.5, clients: 2, bytesUp: 10 },
    { round: 2, trainLoss: 1, accuracy: Number.NaN, epsilon: Number.NaN },
  ]);
});

it("replaces a round that is repeated after a crash", () => {
  const history = [finished(1, 9), finished(2, 9), finished(2, 1)].reduce(after, noHistory);
  expect(history.rounds.map(({ round, trainLoss }) => [round, trainLoss])).toEqual([
    [1, 9],
    [2, 1],
  ]);
});

it("knows whether a run has ended, and that a resumed one has not", () => {
  const started = event({ type: "run.started", run: "a" });
  const stopped = event({ type: "run.stopped", round: 3, reason: "interrupted", message: "Ctrl-C" });
  expect([started, stopped].reduce(after, noHistory)).toMatchObject({ ended: true, log: [{ bad: true }, {}] });
  expect([started, stopped, started].reduce(after, noHistory).ended).toBe(false);
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
