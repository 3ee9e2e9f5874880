import { ed25519 } from "@noble/curves/ed25519.js";
import { smallRun } from "../../conformance/small-live-run.ts";
import { VirtualTimers } from "../../conformance/virtual-timers.ts";
import { memoryBlobStore } from "../../round/blob-store.ts";
import { VERSION } from "../../version.ts";
import { toBase64 } from "../base64.ts";
import { type ClientMessage, proofText, type ServerMessage } from "../control.ts";
import { LiveServer } from "../live-server.ts";
import { MemoryLedgers } from "../memory-ledger.ts";
import { describeTask, type TaskDescription } from "../task-description.ts";

const { config, prepared } = smallRun({ name: "fedavg" });
export const { plan } = prepared;
export const description = describeTask(config, prepared);
const ORIGIN = "https://server.example";
/** Of every client. */
export const EXAMPLES = 12;

/** A server in memory, on virtual time, and a join token. */
export async function open(
  changes: { releasesOnce?: boolean; population?: number; description?: TaskDescription; names?: Uint8Array } = {},
) {
  const timers = new VirtualTimers();
  const blobs = memoryBlobStore();
  const ledger = await new MemoryLedgers().open("run");
  let drawn = 0;
  const server = await LiveServer.open(
    {
      description: { ...(changes.description ?? description), population: changes.population ?? 4 },
      ...{ minimumClients: 1, progressSeconds: 60, longestSeconds: 400, maxUpdateBytes: 10_000, keptVersions: 3 },
      releasesOnce: changes.releasesOnce ?? false,
      names: changes.names,
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
export type Opened = Awaited<ReturnType<typeof open>>;

/** Speaks the protocol by hand. */
export class Hand {
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
export const hello = (seed: number, token: string, more: object = {}): ClientMessage => ({
  ...{ type: "hello", v: 1, package: VERSION, run: description.run, token },
  publicKey: toBase64(ed25519.getPublicKey(keyOf(seed))),
  ...more,
});
export const prove = (seed: number, nonce: string, origin = ORIGIN): ClientMessage => ({
  type: "prove",
  signature: toBase64(ed25519.sign(proofText(description.run, nonce, origin), keyOf(seed))),
});
export const ready = (more: object = {}): ClientMessage => ({
  ...{ type: "ready", layoutHash: description.layoutHash, programHash: description.programHash },
  ...{ examples: EXAMPLES, executor: "x", fingerprint: "y" },
  ...more,
});

/** A client that can work; its key is made of the seed. */
export async function join(opened: Opened, seed: number, more: object = {}): Promise<Hand> {
  const hand = new Hand(opened);
  await hand.say(hello(seed, opened.token, more));
  await hand.say(prove(seed, hand.nonce));
  await hand.say(ready());
  return hand;
}
