import { ed25519 } from "@noble/curves/ed25519.js";
import { describe, expect, it } from "vitest";
import { smallRun } from "../conformance/small-live-run.ts";
import { VirtualTimers } from "../conformance/virtual-timers.ts";
import { encodeUpdate, type Update } from "../protocol/index.ts";
import type { Outcome } from "../round/backend.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import { VERSION } from "../version.ts";
import { toBase64 } from "./base64.ts";
import { blobName, contentHashOf } from "./content-hash.ts";
import { type ClientMessage, CONTROL_BYTES, proofText, type ServerMessage } from "./control.ts";
import { LiveServer } from "./live-server.ts";
import { MemoryLedgers } from "./memory-ledger.ts";
import { describeTask } from "./task-description.ts";

const { config, prepared } = smallRun({ name: "fedavg" });
const { plan } = prepared;
const description = describeTask(config, prepared);
const ORIGIN = "https://server.example";
const EXAMPLES = 12;

async function open(changes: { releasesOnce?: boolean; population?: number } = {}) {
  const timers = new VirtualTimers();
  const blobs = memoryBlobStore();
  const ledger = await new MemoryLedgers().open("run");
  let drawn = 0;
  const server = await LiveServer.open(
    {
      description: { ...description, population: changes.population ?? 4 },
      ...{ minimumClients: 1, progressSeconds: 60, longestSeconds: 400, maxUpdateBytes: 10_000, keptVersions: 3 },
      releasesOnce: changes.releasesOnce ?? false,
    },
    {
      ledger,
      blobs,
      timers,
      randomBytes: (n) => Uint8Array.from({ length: n }, () => drawn++ & 255),
      notice: () => {},
    },
  );
  const token = await server.addToken();
  return { server, timers, blobs, ledger, token };
}
type Opened = Awaited<ReturnType<typeof open>>;

/** Speaks the protocol by hand. */
class Hand {
  readonly received: ServerMessage[] = [];
  closed = false;
  readonly #side: { message(text: string): void; closed(): void };
  readonly #timers: VirtualTimers;

  constructor({ server, timers }: Opened) {
    this.#timers = timers;
    const link = {
      origin: ORIGIN,
      send: (m: ServerMessage) => void this.received.push(m),
      close: () => {
        this.closed = true;
      },
    };
    this.#side = server.connect(link);
  }

  async say(message: ClientMessage | string): Promise<ServerMessage | undefined> {
    this.#side.message(typeof message === "string" ? message : JSON.stringify(message));
    await this.#timers.run(() => true); // lets the server do what it can
    return this.received.at(-1);
  }

  get nonce(): string {
    const challenge = this.received[0]!;
    return challenge.type === "challenge" ? challenge.nonce : "";
  }

  /** The code of the refusal that ended the connection. */
  get refused(): string | undefined {
    const last = this.received.at(-1);
    return this.closed && last?.type === "refused" ? last.code : undefined;
  }
}

const keyOf = (seed: number) => new Uint8Array(32).fill(seed);
const hello = (seed: number, token: string, more: object = {}): ClientMessage => ({
  ...{ type: "hello", v: 1, package: VERSION, run: description.run, token },
  publicKey: toBase64(ed25519.getPublicKey(keyOf(seed))),
  ...more,
});
const prove = (seed: number, nonce: string, origin = ORIGIN): ClientMessage => ({
  type: "prove",
  signature: toBase64(ed25519.sign(proofText(description.run, nonce, origin), keyOf(seed))),
});
const ready = (more: object = {}): ClientMessage => ({
  ...{ type: "ready", layoutHash: description.layoutHash, programHash: description.programHash },
  ...{ examples: EXAMPLES, executor: "x", fingerprint: "y" },
  ...more,
});

async function join(opened: Opened, seed: number, more: object = {}): Promise<Hand> {
  const hand = new Hand(opened);
  await hand.say(hello(seed, opened.token, more));
  await hand.say(prove(seed, hand.nonce));
  await hand.say(ready());
  return hand;
}

describe("a client that does not keep to the protocol", () => {
  const deviations: Readonly<Record<string, { code: string; act(hand: Hand, opened: Opened): Promise<unknown> }>> = {
    "garbage bytes": { code: "live/message", act: (hand) => hand.say("\u0000{]") },
    "a message beyond the cap": {
      code: "live/message",
      act: (hand, { token }) => hand.say(JSON.stringify(hello(1, token)).padEnd(CONTROL_BYTES + 1)),
    },
    "an unknown field": { code: "live/message", act: (hand, { token }) => hand.say(hello(1, token, { admin: true })) },
    "another protocol version": { code: "live/message", act: (hand, { token }) => hand.say(hello(1, token, { v: 2 })) },
    "a foreign run": { code: "live/run", act: (hand, { token }) => hand.say(hello(1, token, { run: "other" })) },
    "proof before hello": { code: "live/order", act: (hand) => hand.say(prove(1, hand.nonce)) },
    "hello twice": {
      code: "live/order",
      async act(hand, { token }) {
        await hand.say(hello(1, token));
        await hand.say(hello(1, token));
      },
    },
    "another key's signature": {
      code: "live/identity",
      act: (hand, { token }) => signed(hand, token, () => prove(2, hand.nonce)),
    },
    "an old nonce": { code: "live/identity", act: (hand, { token }) => signed(hand, token, () => prove(1, "AAAA")) },
    "a signature for another server": {
      code: "live/identity",
      act: (hand, { token }) => signed(hand, token, () => prove(1, hand.nonce, "https://evil.example")),
    },
    "no signature": {
      code: "live/identity",
      act: (hand, { token }) => signed(hand, token, () => ({ type: "prove", signature: "" })),
    },
    "a wrong token": { code: "live/token", act: (hand) => signed(hand, "guess", () => prove(1, hand.nonce)) },
    "a revoked token": {
      code: "live/token",
      async act(hand, { server, token }) {
        expect(await server.revokeToken(await contentHashOf(new TextEncoder().encode(token)))).toBe(true);
        await signed(hand, token, () => prove(1, hand.nonce));
      },
    },
    "an expired token": {
      code: "live/token-expired",
      async act(hand, { server, timers }) {
        const expired = await server.addToken({ expires: timers.date() - 1 });
        await signed(hand, expired, () => prove(1, hand.nonce));
      },
    },
    "a token of another client number": {
      code: "live/number",
      async act(hand, { server }) {
        const bound = await server.addToken({ client: 2 });
        await hand.say(hello(1, bound, { client: 1 }));
        await hand.say(prove(1, hand.nonce));
      },
    },
    "a number beyond the population": {
      code: "live/full",
      async act(hand, { token }) {
        await hand.say(hello(1, token, { client: 4 }));
        await hand.say(prove(1, hand.nonce));
      },
    },
    "another program": {
      code: "live/version",
      async act(hand, { token }) {
        await signed(hand, token, () => prove(1, hand.nonce));
        await hand.say(ready({ programHash: "other" }));
      },
    },
    "no examples": {
      code: "live/no-data",
      async act(hand, { token }) {
        await signed(hand, token, () => prove(1, hand.nonce));
        await hand.say(ready({ examples: 0 }));
      },
    },
    "work before it is ready": {
      code: "live/order",
      async act(hand, { token }) {
        await signed(hand, token, () => prove(1, hand.nonce));
        await hand.say({ type: "failed", order: "1/0/0", code: "x", message: "y" });
      },
    },
  };
  const signed = async (hand: Hand, token: string, proof: () => ClientMessage) => {
    await hand.say(hello(1, token));
    await hand.say(proof());
  };
  for (const [name, { code, act }] of Object.entries(deviations)) {
    it(`is refused with ${code} for ${name}`, async () => {
      const opened = await open();
      const hand = new Hand(opened);
      await act(hand, opened);
      expect(hand.refused).toBe(code);
      expect(opened.server.status().clients.every(({ connected }) => !connected)).toBe(true);
    });
  }

  it("is cut off when it does not identify itself in time", async () => {
    const opened = await open();
    const hand = new Hand(opened);
    await opened.timers.run(() => hand.closed);
    expect(hand.refused).toBe("live/handshake");
  });
});

describe("identities", () => {
  it("keep their number, and cannot take one that another holds", async () => {
    const opened = await open({ population: 2 });
    await join(opened, 1, { client: 1 });
    expect((await join(opened, 2, { client: 1 })).refused).toBe("live/number");
    expect((await join(opened, 2)).refused).toBeUndefined();
    expect((await join(opened, 3)).refused).toBe("live/full");
    expect((await join(opened, 1, { client: 0 })).refused).toBe("live/number");
  });

  it("that connect twice keep the newer connection", async () => {
    const opened = await open();
    const [first, second] = [await join(opened, 1), await join(opened, 1)];
    expect(first.refused).toBe("live/replaced");
    expect(second.closed).toBe(false);
    expect(opened.server.status().clients).toMatchObject([{ client: 0, connected: true, examples: EXAMPLES }]);
  });

  it("that are ejected stay out until they are readmitted", async () => {
    const opened = await open();
    const hand = await join(opened, 1);
    expect(await opened.server.eject(0)).toBe(true);
    expect(hand.refused).toBe("live/ejected");
    expect((await join(opened, 1)).refused).toBe("live/ejected");
    await opened.server.readmit(0);
    expect((await join(opened, 1)).refused).toBeUndefined();
  });
});

describe("an upload", () => {
  const layout = Object.values(prepared.plan.payloads.upload)[0]!.layout;
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
    await blobs.put(blobName(hash), bytes);
    return server.uploaded(client, order, hash, bytes.byteLength);
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
      const answer = await send(opened, bytes());
      expect(answer.status === "refused" ? answer.code : answer.status).toMatch(code);
      expect(await opened.backend.outcome("1/0/0")).toMatchObject({ failure: { code: expect.stringMatching(code) } });
    });
  }

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

describe("a private run", () => {
  it("never sends a second model of a round", async () => {
    const opened = await open({ releasesOnce: true });
    await join(opened, 1);
    await opened.ledger.giveOrder({ id: "1/0/0", client: 0, version: 1, broadcast: "f".repeat(64) });
    const { backend } = opened.server;
    backend.publish(1, { round: 1, vectors: { parameters: new Float64Array(3) }, scalars: {} });
    backend.submit({
      id: "1/0/0",
      client: 0,
      version: 1,
      part: undefined,
      learningRate: 1,
      keys: {},
      loadState: async () => undefined,
    });
    await expect(backend.outcome("1/0/0")).rejects.toThrow(/another model of the same round/);
  });
});
