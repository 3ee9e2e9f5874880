import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { openDataSource } from "../client/data-source.ts";
import { smallRun } from "../conformance/small-live-run.ts";
import { VirtualTimers } from "../conformance/virtual-timers.ts";
import { CONTROL_BYTES, serverMessage } from "./control.ts";
import { type DataNames, decodeNames, encodeNames, namesBlob } from "./data-names.ts";
import { runLiveClient } from "./live-client.ts";
import { describeTask, type TaskDescription } from "./task-description.ts";
import { Hand, hello, open, prove } from "./testing/hand.ts";
import { memoryRecords } from "./testing/secure-clients.ts";

const { config, prepared } = smallRun({ name: "fedavg" });

/** The run with other names of its classes. */
function runWith(classNames: readonly string[]) {
  const { federation } = prepared;
  return { ...prepared, federation: { ...federation, examples: { ...federation.examples, classNames } } };
}
const few = ["north", "south", "west"];
/** Three bytes for each character: a message counts bytes. */
const many = Array.from({ length: 3000 }, (_, i) => `地域${i}`);

describe("names of classes", () => {
  it("are in the description where they are few, else a blob that it names", () => {
    const short = describeTask(config, runWith(few));
    expect([short.data.classNames, short.data.names, namesBlob(runWith(few))]).toEqual([few, undefined, undefined]);
    const long = describeTask(config, runWith(many));
    const blob = namesBlob(runWith(many))!;
    expect(long.data.classNames).toBeUndefined();
    expect(long.data.names).toMatchObject({ hash: expect.stringMatching(/^[0-9a-f]{64}$/), bytes: blob.length });
    expect(decodeNames(blob)).toEqual({ classNames: many });
    const welcome = { type: "welcome", client: 0, session: "s", description: long, progressSeconds: 60 };
    expect(Buffer.byteLength(JSON.stringify(welcome))).toBeLessThan(CONTROL_BYTES);
    expect(serverMessage.safeParse(welcome).success).toBe(true);
  });

  it("are given to clients that have proved who they are, and to nobody else", async () => {
    const description = describeTask(config, runWith(many));
    const names = namesBlob(runWith(many))!;
    const opened = await open({ description, names });
    const { hash } = description.data.names!;
    const hand = new Hand(opened);
    await hand.say(hello(0, opened.token));
    const welcome = await hand.say(prove(0, hand.nonce));
    if (welcome?.type !== "welcome") throw new Error("the client was not admitted");
    const { session } = welcome;
    expect(await opened.server.mayFetch(session, hash)).toBe(true);
    expect(await opened.server.mayFetch("guessed", hash)).toBe(false);
    expect(await opened.blobs.get(`blobs/${hash}`)).toEqual(names);
  });

  it.each<[string, Uint8Array, DataNames | "live/message"]>([
    ["its names", namesBlob(runWith(many))!, { classNames: many }],
    ["characters", encodeNames({ vocabulary: ["a", "é"] }), { vocabulary: ["a", "é"] }],
    ["no JSON", new Uint8Array([0xff, 0]), "live/message"],
    ["something else", new TextEncoder().encode('{"classNames":[1]}'), "live/message"],
  ])("reach a client whose server sends %s", async (_what, blob, expected) => {
    const description = describeTask(config, runWith(many));
    const seen: TaskDescription[] = [];
    const timers = new VirtualTimers();
    const nothing = () => Promise.reject(new Error("not in this test"));
    const source = openDataSource(prepared.simulation.train);
    const ended = runLiveClient({
      ...{ run: description.run, token: "t", timers, random: () => 0, giveUpAfterSeconds: 60 },
      identity: { publicKey: "", sign: async () => new Uint8Array(64) },
      transport: {
        origin: "https://server.example",
        async connect({ message }) {
          const welcome = { type: "welcome", client: 0, session: "s", description, progressSeconds: 60 };
          const end = { type: "finished", round: 1, stopped: "finished", modelHash: "" };
          timers.after(0, () => {
            for (const each of [welcome, end]) message(JSON.stringify(each));
          });
          return { send: () => {}, close: () => {} };
        },
        download: async (session, hash) => {
          expect([session, hash]).toEqual(["s", description.data.names!.hash]);
          return blob;
        },
        upload: nothing,
      },
      states: { load: async () => undefined, save: async () => {} },
      records: memoryRecords(),
      executor: interpreter(),
      data: async (given) => {
        seen.push(given);
        return { train: source.load(0) };
      },
      report: () => {},
    }).then(
      () => seen[0]?.data,
      (error: { code: string }) => error.code,
    );
    let over = false;
    void ended.then(() => {
      over = true;
    });
    await timers.run(() => over);
    const { names: _names, ...data } = description.data;
    expect(await ended).toEqual(expected === "live/message" ? expected : { ...data, ...expected });
  });

  it("that nobody could download are refused before the run has a folder, as is an endless description", () => {
    const endless = Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(2 ** 20, "x"));
    expect(() => describeTask(config, runWith(endless))).toThrow("too long");
    const partition = { scheme: "iid", note: "x".repeat(70_000) };
    const wordy = { ...config, data: { ...config.data, partition } };
    expect(() => describeTask(wordy, prepared)).toThrow("too long");
  });
});
