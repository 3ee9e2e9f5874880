import { describe, expect, it } from "vitest";
import { encodeUpdate, type Update } from "../protocol/index.ts";
import type { Outcome } from "../round/backend.ts";
import { blobName, contentHashOf } from "./content-hash.ts";
import { EXAMPLES, join, type Opened, open, plan } from "./testing/hand.ts";

describe("an upload", () => {
  const layout = Object.values(plan.payloads.upload)[0]!.layout;
  const update = (changes: Partial<Update> = {}): Update => ({
    ...{
      round: 1,
      client: 0,
      layoutHash: plan.layout.hash,
      vectors: { delta: new Float64Array(layout.size).fill(0.1) },
    },
    public: { examples: EXAMPLES, steps: 3, weight: 1, loss: 1 },
    ...changes,
  });

  /** Client 0 has the order of round 1. */
  async function ordered(more: Parameters<typeof open>[0] = {}) {
    const opened = await open(more);
    const hand = await join(opened, 1);
    const { backend } = opened.server;
    backend.publish(1, { round: 1, vectors: { parameters: new Float64Array(layout.size) }, scalars: {} });
    const order = {
      id: "1/0/0",
      client: 0,
      version: 1,
      part: undefined,
      learningRate: 0.1,
      keys: {},
      loadState: async () => undefined,
    };
    backend.submit(order);
    await opened.timers.run(() => hand.received.at(-1)?.type === "task");
    return { ...opened, hand, backend };
  }

  async function send({ server, blobs }: Opened, bytes: Uint8Array, client = 0, order = "1/0/0") {
    const hash = await contentHashOf(bytes);
    const known = await server.mayUpload(client, order, hash, bytes.byteLength);
    if (known !== undefined) return known;
    const keep = () => blobs.put(blobName(hash), bytes);
    return server.uploaded(client, order, { hash, bytes: bytes.byteLength, read: async () => bytes, keep });
  }

  it("counts once, and its first bytes count", async () => {
    const opened = await ordered();
    expect(await send(opened, encodeUpdate(update()))).toMatchObject({ status: "accepted" });
    expect(await send(opened, encodeUpdate(update()))).toMatchObject({ status: "accepted" });
    const other = encodeUpdate(update({ public: { examples: EXAMPLES, steps: 3, weight: 1, loss: 2 } }));
    expect(await send(opened, other)).toMatchObject({ status: "refused", code: "live/other-update" });
    const outcome = (await opened.backend.outcome("1/0/0")) as Extract<Outcome, { update: Update }>;
    expect(outcome.update.public.loss).toBe(1);
  });

  const bad: Readonly<Record<string, { code: RegExp; bytes(): Uint8Array }>> = {
    garbage: { code: /^safetensors\//, bytes: () => new Uint8Array(100).fill(7) },
    "a truncated tensor": { code: /^safetensors\//, bytes: () => encodeUpdate(update()).slice(0, -8) },
    "another round": { code: /^live\/other-order$/, bytes: () => encodeUpdate(update({ round: 2 })) },
    "another client": { code: /^live\/other-order$/, bytes: () => encodeUpdate(update({ client: 1 })) },
    "more examples than it joined with": {
      code: /^live\/examples$/,
      bytes: () => encodeUpdate(update({ public: { examples: 1e9, steps: 3, weight: 1, loss: 1 } })),
    },
  };
  for (const [name, { code, bytes }] of Object.entries(bad)) {
    it(`is refused and fails its order: ${name}`, async () => {
      const opened = await ordered();
      const before = await opened.blobs.list("");
      const answer = await send(opened, bytes());
      expect(answer.status === "refused" ? answer.code : answer.status).toMatch(code);
      expect(await opened.blobs.list("")).toEqual(before);
      expect(await opened.backend.outcome("1/0/0")).toMatchObject({ failure: { code: expect.stringMatching(code) } });
    });
  }

  it("of the model's own bytes is refused, and the model stays for the others", async () => {
    const opened = await ordered();
    const [model = ""] = await opened.blobs.list("");
    expect(await send(opened, (await opened.blobs.get(model))!)).toMatchObject({ status: "refused" });
    expect(await opened.blobs.list("")).toEqual([model]);
  });

  it("is refused before its first byte where it is too large, or of somebody else's order", async () => {
    const opened = await ordered();
    await join(opened, 2);
    const hash = "0".repeat(64);
    expect(await opened.server.mayUpload(0, "1/0/0", hash, 10_001)).toMatchObject({ code: "live/too-large" });
    expect(await opened.server.mayUpload(1, "1/0/0", hash, 10)).toMatchObject({ code: "live/closed" });
    expect(await opened.server.mayUpload(0, "2/0/0", hash, 10)).toMatchObject({ code: "live/closed" });
  });

  it("that comes after the deadline is refused, and the order has failed", async () => {
    const opened = await ordered();
    const outcome = opened.backend.outcome("1/0/0");
    await opened.timers.run(() => opened.hand.received.at(-1)?.type === "closed");
    expect(await outcome).toMatchObject({ failure: { code: "client/late" } });
    expect(await send(opened, encodeUpdate(update()))).toMatchObject({ status: "refused", code: "live/closed" });
  });

  it("is not waited for longer because the server looks after its uploads", async () => {
    const opened = await ordered();
    const look = () => {
      opened.server.isOpen(0, "1/0/0");
      opened.timers.after(10_000, look);
    };
    look();
    expect(opened.server.isOpen(0, "1/0/0")).toBe(true);
    const start = opened.timers.now();
    await opened.timers.run(() => opened.hand.received.at(-1)?.type === "closed");
    expect(opened.timers.now() - start).toBe(60_000);
    expect(opened.server.isOpen(0, "1/0/0")).toBe(false);
  });

  it("is waited for as long as there is progress", async () => {
    const opened = await ordered();
    const start = opened.timers.now();
    while (opened.timers.now() - start < 300_000) {
      await opened.hand.say({ type: "progress", order: "1/0/0", phase: "training", share: 0 });
      const until = opened.timers.now() + 50_000;
      let there = false;
      opened.timers.after(50_000, () => {
        there = true;
      });
      await opened.timers.run(() => there || opened.timers.now() > until);
    }
    expect(await send(opened, encodeUpdate(update()))).toMatchObject({ status: "accepted" });
  });
});

describe("an order", () => {
  it("fails in the end, whatever progress its client reports", async () => {
    const opened = await open();
    const hand = await join(opened, 1);
    const { backend } = opened.server;
    backend.publish(1, { round: 1, vectors: { parameters: new Float64Array(3) }, scalars: {} });
    const order = { version: 1, part: undefined, learningRate: 1, keys: {}, loadState: async () => undefined };
    backend.submit({ ...order, id: "1/0/0", client: 0 });
    const beat = () => {
      void hand.say({ type: "progress", order: "1/0/0", phase: "training", share: 0 });
      opened.timers.after(30_000, beat);
    };
    beat();
    await opened.timers.run(() => hand.received.at(-1)?.type === "closed");
    expect(await backend.outcome("1/0/0")).toMatchObject({ failure: { code: "client/late" } });
    expect(opened.timers.now()).toBe(400_000);
  });

  it("of a number that nobody has joined with fails at once, once the run has begun", async () => {
    const opened = await open();
    const { backend } = opened.server;
    backend.publish(1, { round: 1, vectors: { parameters: new Float64Array(3) }, scalars: {} });
    const order = { version: 1, part: undefined, learningRate: 1, keys: {}, loadState: async () => undefined };
    backend.submit({ ...order, id: "1/3/0", client: 3 });
    let failed = false;
    const outcome = backend.outcome("1/3/0").finally(() => {
      failed = true;
    });
    await opened.timers.run(() => true);
    expect(failed).toBe(false);
    await join(opened, 1);
    expect(await outcome).toMatchObject({ failure: { code: "client/absent" }, bytesDown: 0 });
    expect(opened.timers.now()).toBe(0);
  });
});
