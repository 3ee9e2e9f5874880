import { generateKeyPairSync, sign } from "node:crypto";
import { decodeBroadcast, encodeUpdate, VERSION } from "@anabranch/core";
import {
  type ClientMessage,
  contentHashOf,
  LIVE_VERSION,
  proofText,
  type ServerMessage,
  serverMessage,
} from "@anabranch/core/live";
import type { JoinAddress } from "../../packages/node/src/client/join-url.ts";
import { nodeTransport } from "../../packages/node/src/client/transport.ts";

const EXAMPLES = 10;

/** Seconds that moving a model or an update took. */
export interface Transfers {
  readonly down: number[];
  readonly up: number[];
}

type Task = Extract<ServerMessage, { type: "task" }>;

/**
 * A client of FedAvg that trains nothing: it fetches the model, sends an update of zeros and costs next to no memory. It
 * moves tensors as `anabranch join` does.
 */
export class NoOpClient {
  readonly transfers: Transfers = { down: [], up: [] };
  /** Resolves when the server has let it in. */
  readonly joined: Promise<void>;
  /** Resolves when the run is over; rejects where the connection ends before. */
  readonly finished: Promise<void>;
  readonly #address: JoinAddress;
  readonly #number: number;
  readonly #transport: ReturnType<typeof nodeTransport>;
  readonly #identity = generateKeyPairSync("ed25519");
  readonly #joined = Promise.withResolvers<void>();
  readonly #finished = Promise.withResolvers<void>();
  #send: (message: ClientMessage) => void = () => {};
  #session = "";
  #layoutHash = "";

  constructor(address: JoinAddress, number: number) {
    this.#address = address;
    this.#number = number;
    this.#transport = nodeTransport(address);
    this.joined = this.#joined.promise;
    this.finished = this.#finished.promise;
    this.finished.catch(() => {});
  }

  async join(): Promise<void> {
    const link = await this.#transport.connect({
      message: (text) => {
        this.#handle(serverMessage.parse(JSON.parse(text))).catch((error: unknown) => this.#fail(error));
      },
      closed: (reason) => this.#fail(new Error(`client ${this.#number}: ${reason}`)),
    });
    this.#send = (message) => link.send(JSON.stringify(message));
    await this.joined;
  }

  close(): void {
    this.#transport.close();
  }

  #fail(error: unknown): void {
    this.#joined.reject(error);
    this.#finished.reject(error);
  }

  async #handle(message: ServerMessage): Promise<void> {
    switch (message.type) {
      case "challenge":
        this.#introduce(message.nonce);
        return;
      case "welcome": {
        const { layoutHash, programHash } = message.description as { layoutHash: string; programHash: string };
        this.#session = message.session;
        this.#layoutHash = layoutHash;
        const about = { examples: EXAMPLES, executor: "none", fingerprint: "none" };
        this.#send({ type: "ready", layoutHash, programHash, ...about });
        this.#joined.resolve();
        return;
      }
      case "task":
        return this.#answer(message);
      case "finished":
        return this.#finished.resolve();
      case "refused":
        throw new Error(`client ${this.#number} was refused: ${message.code}: ${message.message}`);
      case "closed":
      case "evaluate":
    }
  }

  #introduce(nonce: string): void {
    const { run, token, origin } = this.#address;
    const { publicKey, privateKey } = this.#identity;
    const key = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("base64");
    const about = { v: LIVE_VERSION, package: VERSION, publicKey: key, client: this.#number } as const;
    this.#send({ type: "hello", run, token, ...about });
    const signature = sign(null, proofText(run, nonce, origin), privateKey).toString("base64");
    this.#send({ type: "prove", signature });
  }

  async #answer({ order, version, blob, bytes }: Task): Promise<void> {
    const asked = performance.now();
    const model = await this.#transport.download(this.#session, blob, bytes, () => {});
    const { parameters } = decodeBroadcast(model).vectors;
    this.transfers.down.push((performance.now() - asked) / 1000);
    const update = encodeUpdate({
      ...{ round: version, client: this.#number, layoutHash: this.#layoutHash },
      vectors: { delta: new Float32Array(parameters!.length) },
      public: { examples: EXAMPLES, steps: 1, weight: EXAMPLES, loss: 1 },
    });
    const hash = await contentHashOf(update);
    const begun = performance.now();
    const answer = await this.#transport.upload(this.#session, order, hash, update, () => {});
    this.transfers.up.push((performance.now() - begun) / 1000);
    if (answer.status === "refused") throw new Error(`order ${order} was refused: ${answer.code}: ${answer.message}`);
  }
}
