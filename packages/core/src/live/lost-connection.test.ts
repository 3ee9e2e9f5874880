import { AnabranchError, type Executor } from "@anabranch/engine";
import { expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { memoryRecords, memoryStates } from "../conformance/client-memory.ts";
import { federationParts } from "../conformance/federation-parts.ts";
import { quickIdentity } from "../conformance/quick-curves.ts";
import { smallRun } from "../conformance/small-live-run.ts";
import { VirtualTimers } from "../conformance/virtual-timers.ts";
import { runLiveClient } from "./live-client.ts";
import type { ClientTransport } from "./ports.ts";

const GIVE_UP_SECONDS = 60;
const TASK = { type: "task", order: "1/0/0", version: 1, blob: "0".repeat(64), bytes: 9, learningRate: 1, keys: {} };

interface Connection {
  say(message: object): void;
  hangUp(): void;
}

interface Script {
  /** What the server does with each connection after its welcome. */
  connected(number: number, connection: Connection, timers: VirtualTimers): void;
  /** Connections whose client is welcomed. */
  readonly welcomes?: number;
  /** How long the client reads its examples, in milliseconds. */
  readonly reading?: number;
  /** When the client leaves, in milliseconds. */
  readonly leaving?: number;
  /** How long a connection takes to open, in milliseconds. */
  readonly opening?: number;
  /** How long it takes to learn that there is no model, in milliseconds. */
  readonly downloading?: number;
}

/** Runs a client with a server that has no model for it. The client ends when it has told of that. */
async function runClient({
  connected,
  welcomes = Infinity,
  reading = 0,
  leaving,
  opening = 0,
  downloading = 0,
}: Script) {
  const { config, prepared } = smallRun({ name: "fedavg" });
  const { description, executor, curves } = await federationParts(config, prepared);
  const timers = new VirtualTimers();
  const seen = { connections: 0, reads: 0, sessions: [] as string[], joined: 0, loaded: 0, closed: 0 };
  let newest: Connection | undefined;
  const transport: ClientTransport = {
    origin: "https://server.example",
    async connect({ message, closed }) {
      const say = (it: object) => message(JSON.stringify(it));
      newest = { say, hangUp: () => closed("the connection broke") };
      const session = `s${++seen.connections}`;
      const welcome = { type: "welcome", client: 0, session, description, progressSeconds: 60 };
      if (seen.connections <= welcomes) timers.after(0, () => say(welcome));
      connected(seen.connections, newest, timers);
      if (opening > 0) await new Promise<void>((resolve) => void timers.after(opening, resolve));
      return { send: () => {}, close: () => void seen.closed++ };
    },
    async download(session) {
      seen.sessions.push(session);
      if (downloading > 0) await new Promise<void>((resolve) => void timers.after(downloading, resolve));
      throw new AnabranchError({ code: "live/not-found", message: "of this test" });
    },
    upload: () => Promise.reject(new Error("nothing is trained")),
  };
  const leave = new AbortController();
  if (leaving !== undefined) timers.after(leaving, () => leave.abort());
  const ended = runLiveClient({
    ...{ run: description.run, token: "t", transport, timers, random: () => 0, giveUpAfterSeconds: GIVE_UP_SECONDS },
    executor: counted(executor, seen),
    ...{ curves, identity: quickIdentity(curves, 0), states: memoryStates(), records: memoryRecords() },
    async data() {
      seen.reads++;
      await new Promise<void>((resolve) => void timers.after(reading, resolve));
      return { train: openDataSource(prepared.simulation.train).load(0) };
    },
    report(event) {
      if (event.type === "joined") seen.joined++;
      if (event.type === "failed") newest?.say({ type: "finished", round: 1, stopped: "finished", modelHash: "" });
    },
    signal: leave.signal,
  }).then(
    ({ stopped }) => stopped,
    (error: unknown) => (error instanceof AnabranchError ? error.code : String(error)),
  );
  let isOver = false;
  void ended.finally(() => {
    isOver = true;
  });
  await timers.run(() => isOver);
  const milliseconds = timers.now();
  if (leaving !== undefined) {
    let isLate = false;
    timers.after(reading + opening, () => {
      isLate = true;
    });
    await timers.run(() => isLate);
  }
  return { ...seen, ended: await ended, milliseconds };
}

/** Counts the programs that are loaded and not released. */
function counted(executor: Executor, seen: { loaded: number }): Executor {
  return {
    ...executor,
    async load(program) {
      const { release, ...executable } = await executor.load(program);
      seen.loaded++;
      return {
        ...executable,
        async release() {
          seen.loaded--;
          await release();
        },
      };
    },
  };
}

it("a client that was connected for long has all its time to come back", async () => {
  const { ended, sessions } = await runClient({
    connected(number, { say, hangUp }, timers) {
      if (number === 1) timers.after(100 * GIVE_UP_SECONDS * 1000, hangUp);
      else timers.after(1, () => say(TASK));
    },
  });
  expect([ended, sessions]).toEqual(["finished", ["s2"]]);
});

it("a client that is never welcomed again gives up in time", async () => {
  const { ended, connections, milliseconds } = await runClient({
    welcomes: 1,
    connected: (_number, { hangUp }, timers) => timers.after(0, hangUp),
  });
  expect(ended).toBe("live/unreachable");
  expect(connections).toBeGreaterThan(2);
  expect(milliseconds / 1000).toBeLessThan(2 * GIVE_UP_SECONDS);
});

it("a connection that breaks while a client prepares leaves nothing behind", async () => {
  const { ended, reads, sessions } = await runClient({
    reading: 5000,
    connected(number, { say, hangUp }, timers) {
      if (number === 1) timers.after(1, hangUp);
      else timers.after(10_000, () => say(TASK));
    },
  });
  expect({ ended, reads, sessions }).toEqual({ ended: "finished", reads: 1, sessions: ["s2"] });
});

it("a client that prepares after its connection broke can leave", async () => {
  const { ended, milliseconds } = await runClient({
    ...{ reading: 5000, leaving: 100 },
    connected: (_number, { hangUp }, timers) => timers.after(1, hangUp),
  });
  expect([ended, milliseconds]).toEqual(["left", 100]);
});

it("a client that leaves while it prepares has not joined, and releases what it prepared", async () => {
  const left = await runClient({ ...{ reading: 5000, leaving: 100 }, connected: () => {} });
  expect(left).toMatchObject({ ended: "left", milliseconds: 100, reads: 1, joined: 0, loaded: 0 });
});

it("a client leaves before its connection is open, which is then closed", async () => {
  const left = await runClient({ ...{ opening: 5000, leaving: 100 }, connected: () => {} });
  expect(left).toMatchObject({ ended: "left", milliseconds: 100, reads: 0, joined: 0, closed: 1 });
});

it("a client takes a message that comes before its connection is open", async () => {
  const { ended, joined } = await runClient({
    opening: 50,
    connected: (_number, { say }, timers) => timers.after(60, () => say(TASK)),
  });
  expect([ended, joined]).toEqual(["finished", 1]);
});

it("a client that is connected and never welcomed gives up in time", async () => {
  const { ended, connections, milliseconds } = await runClient({ welcomes: 0, connected: () => {} });
  expect([ended, connections]).toEqual(["live/unreachable", 2]);
  expect(milliseconds / 1000).toBeLessThan(3 * GIVE_UP_SECONDS);
});

it("a client that is welcomed waits for its orders as long as they take", async () => {
  const { ended, connections } = await runClient({
    connected: (_number, { say }, timers) => timers.after(100 * GIVE_UP_SECONDS * 1000, () => say(TASK)),
  });
  expect([ended, connections]).toEqual(["finished", 1]);
});

it("a client leaves a server that gives more orders than it can begin", async () => {
  const { ended, sessions } = await runClient({
    downloading: 10_000,
    connected(_number, { say }, timers) {
      for (let i = 0; i < 5000; i++) timers.after(1 + i, () => say({ ...TASK, order: `1/0/${i}` }));
    },
  });
  expect([ended, sessions]).toEqual(["client/limit", ["s1"]]);
});
