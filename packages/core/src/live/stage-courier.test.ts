import { describe, expect, it } from "vitest";
import { VirtualTimers } from "../conformance/virtual-timers.ts";
import type { Reply } from "../privacy/secure-aggregation/party.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { toBase64 } from "./base64.ts";
import { blobName, contentHashOf } from "./content-hash.ts";
import type { ServerMessage } from "./control.ts";
import { StageCourier } from "./stage-courier.ts";
import { open as openServer } from "./testing/hand.ts";

type Question = Extract<ServerMessage, { type: "secure" }>;

/** A courier on virtual time that asks clients 1 and 2. */
function open(bytes: readonly [number, number] = [10, 10]) {
  const timers = new VirtualTimers();
  const blobs = memoryBlobStore();
  const asked = new Map<number, Question[]>([
    [1, []],
    [2, []],
  ]);
  const closed: number[] = [];
  const courier = new StageCourier(
    {
      ...{ timers, blobs },
      send(client, message) {
        if (message.type === "secure") asked.get(client)?.push(message);
        if (message.type === "closed") closed.push(client);
        return true;
      },
    },
    { progressSeconds: 60, longestSeconds: 100 },
  );
  const taken: [number, Reply][] = [];
  let over = false;
  const messages = new Map([1, 2, 3].map((client, i) => [client, new Uint8Array(bytes[i] ?? 1).fill(client)]));
  const carried = courier
    .forRound({ round: 7, present: new Set([1, 2]), mostBytes: 50_000 })
    .carry("mask", messages, async (client, reply) => void taken.push([client, reply]))
    .then(() => {
      over = true;
    });
  const settle = () => timers.run(() => true);
  const toEnd = async () => {
    await timers.run(() => over);
    await carried;
  };
  const question = (client: number) => asked.get(client)!.at(-1)!;
  return { timers, blobs, courier, asked, closed, taken, settle, toEnd, question, isOver: () => over };
}

const upload = async (bytes: Uint8Array, lost = false) => {
  const hash = await contentHashOf(bytes);
  const read = async () => (lost ? undefined : bytes);
  return { hash, bytes: bytes.length, read, keep: () => Promise.reject(new Error("nothing is kept")) };
};

describe("a courier of stage messages", () => {
  it("ends a stage when clients are silent for too long, and asks nobody who has dropped out", async () => {
    const { timers, asked, closed, taken, toEnd } = open();
    await toEnd();
    expect([timers.now(), taken, closed]).toEqual([60_000, [], [1, 2]]);
    expect([...asked].map(([, all]) => all.length)).toEqual([1, 1]);
  });

  it("waits while there is progress, but not for ever", async () => {
    const { timers, courier, question, toEnd, settle } = open();
    await settle();
    for (const seconds of [30, 60, 90]) timers.after(seconds * 1000, () => courier.progress(1, question(1).order));
    await toEnd();
    expect(timers.now()).toBe(100_000);
  });

  it("waits no longer for a client because somebody looks after its upload", async () => {
    const { server, timers } = await openServer();
    const bytes = Uint8Array.of(1);
    const hash = await contentHashOf(bytes);
    const order = `7/1/${hash.slice(0, 32)}`;
    let over = false;
    const found: boolean[] = [];
    void server.courier
      .forRound({ round: 7, present: new Set([1]), mostBytes: 100 })
      .carry("mask", new Map([[1, bytes]]), async () => {})
      .then(() => {
        over = true;
      });
    for (const seconds of [30, 90]) timers.after(seconds * 1000, () => void found.push(server.isOpen(1, order)));
    await timers.run(() => over);
    expect(timers.now()).toBe(60_000);
    await timers.run(() => found.length === 2);
    expect(found).toEqual([true, false]);
  });

  it("takes short answers from the control connection, once", async () => {
    const { courier, taken, question, toEnd, settle } = open();
    await settle();
    const [first, second] = [question(1), question(2)];
    courier.answered(2, first.order, toBase64(Uint8Array.of(9))); // of another client
    courier.answered(1, `7/1/${"0".repeat(32)}`, toBase64(Uint8Array.of(9))); // to another question
    courier.answered(1, first.order, toBase64(Uint8Array.of(1)));
    courier.answered(1, first.order, toBase64(Uint8Array.of(2)));
    courier.answered(2, second.order, "====");
    await toEnd();
    expect(taken).toEqual([
      [1, { message: Uint8Array.of(1) }],
      [2, { refusal: expect.objectContaining({ code: "live/message" }) }],
    ]);
  });

  it("gives a long message to its receiver alone, and keeps nothing of it", async () => {
    const { courier, blobs, question, toEnd, settle } = open([40_000, 10]);
    await settle();
    const { blob, bytes, body } = question(1);
    expect([bytes, body]).toEqual([40_000, undefined]);
    expect(question(2).body).toBeDefined();
    expect((await blobs.get(blobName(blob)))?.length).toBe(40_000);
    expect([courier.addressed(1, blob), courier.addressed(2, blob)]).toEqual([true, false]);
    await toEnd();
    expect(courier.addressed(1, blob)).toBe(false);
    expect(await blobs.get(blobName(blob))).toBeUndefined();
  });

  it("takes an upload once, and accepts it again when its answer was lost", async () => {
    const { courier, taken, question, toEnd, settle } = open();
    await settle();
    const { order } = question(1);
    const bytes = new Uint8Array(50_000);
    const { hash } = await upload(bytes);
    const status = async (client: number, size: number) =>
      (await courier.mayUpload(client, order, hash, size)) ?? "welcome";
    expect(await status(1, bytes.length)).toBe("welcome");
    expect(await status(1, 50_001)).toMatchObject({ code: "live/too-large" });
    expect(await status(2, bytes.length)).toMatchObject({ code: "live/closed" });
    expect(await courier.uploaded(1, order, await upload(bytes))).toEqual({ status: "accepted", hash });
    expect(await courier.uploaded(1, order, await upload(bytes))).toEqual({ status: "accepted", hash });
    expect(await courier.uploaded(1, order, await upload(Uint8Array.of(1)))).toMatchObject({ code: "live/closed" });
    expect(await courier.uploaded(2, question(2).order, await upload(bytes, true))).toMatchObject({
      status: "accepted",
    });
    await toEnd();
    expect(
      taken.map(([client, reply]) => [client, "message" in reply ? reply.message.length : reply.refusal.code]),
    ).toEqual([
      [1, 50_000],
      [2, "live/blob"],
    ]);
  });

  it("asks again after a lost connection, and waits for nobody who is gone or has refused", async () => {
    const { timers, courier, asked, taken, question, toEnd, settle } = open();
    await settle();
    courier.connected(1);
    expect(asked.get(1)).toHaveLength(2);
    courier.gone(1);
    courier.failed(2, question(2).order, "secure-aggregation/plan", "another plan");
    await toEnd();
    expect(timers.now()).toBe(0);
    expect(taken).toEqual([[2, { refusal: { code: "secure-aggregation/plan", message: "another plan" } }]]);
  });

  it("lets everybody go when the run ends", async () => {
    const { timers, courier, toEnd, settle } = open();
    await settle();
    courier.close();
    await toEnd();
    expect(timers.now()).toBe(0);
    const late = courier.forRound({ round: 8, present: new Set([1]), mostBytes: 1 });
    await late.carry("mask", new Map([[1, Uint8Array.of(1)]]), async () => {});
    expect(timers.now()).toBe(0);
  });

  it("waits for nobody once the server cannot take an answer", async () => {
    const timers = new VirtualTimers();
    const asked = new Map<number, Question>();
    const courier = new StageCourier(
      {
        ...{ timers, blobs: memoryBlobStore() },
        send(client, message) {
          if (message.type === "secure") asked.set(client, message);
          return true;
        },
      },
      { progressSeconds: 60, longestSeconds: 100 },
    );
    let error: unknown;
    void courier
      .forRound({ round: 1, present: new Set([1, 2]), mostBytes: 1 })
      .carry("mask", new Map([1, 2].map((client) => [client, Uint8Array.of(client)])), () =>
        Promise.reject(new Error("a fault")),
      )
      .catch((caught: unknown) => {
        error = caught;
      });
    await timers.run(() => asked.size === 2);
    expect(courier.addressed(2, asked.get(2)!.blob)).toBe(true);
    courier.answered(1, asked.get(1)!.order, "");
    await timers.run(() => error !== undefined);
    expect([error, timers.now()]).toEqual([new Error("a fault"), 0]);
    expect(courier.addressed(2, asked.get(2)!.blob)).toBe(false);
  });
});
