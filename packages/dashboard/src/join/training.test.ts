import { expect, it } from "vitest";
import type { FromClient } from "../client/messages.ts";
import { next, nothingYet } from "./training.ts";

const report = (of: Extract<FromClient, { type: "report" }>["report"]): FromClient => ({ type: "report", report: of });
const after = (...messages: FromClient[]) =>
  messages.reduce((view, message) => next(view, message, new Date(0)), nothingYet);

const joined = { type: "joined", client: 3, examples: 1200, rounds: 5, algorithm: "fedavg", model: "mlp" } as const;
const progress = { type: "progress", order: "2/3/0", phase: "training", share: 0 } as const;

it("follows a client from its connection to an accepted update", () => {
  const training = after(report({ type: "connecting", attempt: 1 }), report(joined), report(progress));
  expect(training).toMatchObject({ connection: "connected", joined: { client: 3 }, activity: { order: "2/3/0" } });
  const uploaded = next(training, report({ type: "uploaded", order: "2/3/0", bytes: 9, accepted: true }), new Date(0));
  expect(uploaded).toMatchObject({ accepted: 1, activity: undefined });
  expect(uploaded.log.map(({ text }) => text)).toEqual([
    "Round 2: the server accepted the update.",
    "Joined as client 3 with 1,200 examples.",
  ]);
});

it("counts no update that was refused, and marks it", () => {
  const view = after(report({ type: "uploaded", order: "2/3/0", bytes: 9, accepted: false, code: "upload/late" }));
  expect(view.accepted).toBe(0);
  expect(view.log).toMatchObject([{ bad: true, text: "Round 2: the server did not take the update (upload/late)." }]);
});

it("shows a lost connection with the time of the next try", () => {
  const view = after(report(joined), report({ type: "disconnected", reason: "gone", retryInSeconds: 3.2 }));
  expect(view.connection).toBe("waiting to reconnect");
  expect(view.log[0]).toMatchObject({ bad: true, text: "Connection lost: gone. Trying again in 4 s." });
});

it("keeps what was done when a client ends or fails", () => {
  const bytes: FromClient = { type: "bytes", down: 5, up: 7 };
  const result = { stopped: "rounds", round: 5, modelHash: "ab" };
  expect(after(bytes, { type: "ended", result })).toMatchObject({ connection: "none", down: 5, up: 7, result });
  const failure = { code: "live/run", message: "no such run" };
  expect(after(bytes, { type: "failed", failure })).toMatchObject({ connection: "none", up: 7, failure });
});

it("keeps the newest events only", () => {
  const lost = report({ type: "disconnected", reason: "gone", retryInSeconds: 1 });
  const { log } = after(...Array.from({ length: 80 }, () => lost));
  expect(log.length).toBe(50);
  expect(new Set(log.map(({ id }) => id)).size).toBe(50);
});
