import type { Courier } from "../privacy/secure-aggregation/drive-round.ts";
import type { Reply, StageName } from "../privacy/secure-aggregation/party.ts";
import type { BlobStore } from "../round/blob-store.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { blobName, contentHashOf } from "./content-hash.ts";
import { INLINE_BYTES, refusedUpload, type ServerMessage, type UploadAnswer } from "./control.ts";
import type { ArrivedUpdate, Timers } from "./ports.ts";
import { type Patience, ProgressDeadline } from "./progress-deadline.ts";

export interface CourierPorts {
  readonly blobs: BlobStore;
  readonly timers: Timers;
  /** Sends to a client; false: it is not connected. */
  send(client: number, message: ServerMessage): boolean;
}

/** What a courier must know of a round. */
export interface CourierRound {
  readonly round: number;
  /** Clients that are asked; the others count as silent. */
  readonly present: ReadonlySet<number>;
  /** Longest answer. */
  readonly mostBytes: number;
}

/** A message that a client has not answered yet. */
interface Question {
  readonly id: string;
  readonly hash: string;
  readonly message: Extract<ServerMessage, { type: "secure" }>;
  readonly mostBytes: number;
  readonly deadline: ProgressDeadline;
  /** False while its blob is written. */
  ready: boolean;
  /** Hands over an answer that is read when it is its turn; undefined: there will be none. */
  end(read?: () => Promise<Reply>): Promise<void>;
}

/**
 * Carries messages of secure aggregation to the clients of a live run. Short ones take the control connection; long ones
 * are blobs that only their receiver may fetch, and uploads. A client that loses its connection is asked again when it is
 * back; one that is silent for too long has dropped out.
 */
export class StageCourier {
  readonly #ports: CourierPorts;
  readonly #patience: Patience;
  /** By client, which is asked one thing at a time. */
  readonly #open = new Map<number, Question>();
  /** The newest answer of each client that was taken: its question and its hash. */
  readonly #taken = new Map<number, { readonly id: string; readonly hash: string }>();
  /** Answers are read one after the other, so that memory holds one of them. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(ports: CourierPorts, patience: Patience) {
    this.#ports = ports;
    this.#patience = patience;
  }

  forRound(about: CourierRound): Courier {
    return {
      carry: async (stage, messages, take) => {
        const asked = [...messages].filter(([client]) => about.present.has(client));
        try {
          await Promise.all(
            asked.map(([client, bytes]) => this.#ask(about, stage, client, bytes, (reply) => take(client, reply))),
          );
        } finally {
          for (const [client] of asked) this.gone(client); // after a failure nobody is waited for
        }
      },
    };
  }

  /** Whether a blob is a message to this client. */
  addressed(client: number, hash: string): boolean {
    return this.#open.get(client)?.hash === hash;
  }

  connected(client: number): void {
    this.#offer(client);
  }

  progress(client: number, id: string): void {
    this.#questionOf(client, id)?.deadline.progress();
  }

  /** The client will not come back. */
  gone(client: number): void {
    void this.#open.get(client)?.end();
  }

  failed(client: number, id: string, code: string, message: string): void {
    void this.#questionOf(client, id)?.end(async () => ({ refusal: { code, message } }));
  }

  answered(client: number, id: string, body: string): void {
    void this.#questionOf(client, id)?.end(async () => {
      const message = fromBase64(body);
      return message === undefined ? { refusal: notBase64 } : { message };
    });
  }

  /** Whether an answer is still waited for. */
  isOpen(client: number, id: string): boolean {
    return this.#questionOf(client, id) !== undefined;
  }

  /** What an upload would be answered before its first byte; undefined: it may come. */
  mayUpload(client: number, id: string, hash: string, bytes: number): UploadAnswer | undefined {
    const question = this.#questionOf(client, id);
    const taken = this.#taken.get(client);
    if (question === undefined && taken?.id === id && taken.hash === hash) return { status: "accepted", hash };
    if (question === undefined) return refusedUpload("live/closed", "nobody waits for this message, or not from you");
    if (bytes > question.mostBytes)
      return refusedUpload("live/too-large", `the message has ${bytes} bytes; at most ${question.mostBytes} are taken`);
    question.deadline.progress();
    return undefined;
  }

  /** An answer has arrived. It is taken once, and not kept. */
  async uploaded(client: number, id: string, { hash, bytes, read }: ArrivedUpdate): Promise<UploadAnswer> {
    const known = this.mayUpload(client, id, hash, bytes);
    if (known !== undefined) return known;
    this.#taken.set(client, { id, hash });
    await this.#questionOf(client, id)!.end(async () => {
      const message = await read();
      return message === undefined ? { refusal: missing } : { message };
    });
    return { status: "accepted", hash };
  }

  /** Nobody is waited for any more. */
  close(): void {
    this.#closed = true;
    for (const question of this.#open.values()) void question.end();
  }

  async #ask(
    { round, mostBytes }: CourierRound,
    stage: StageName,
    client: number,
    bytes: Uint8Array,
    take: (reply: Reply) => Promise<void>,
  ): Promise<void> {
    const hash = await contentHashOf(bytes);
    const id = `${round}/${client}/${hash.slice(0, 32)}`;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const about = { type: "secure", order: id, stage, blob: hash, bytes: bytes.length } as const;
    const inline = bytes.length <= INLINE_BYTES;
    const end: Question["end"] = async (read) => {
      if (this.#open.get(client) !== question) return;
      this.#open.delete(client);
      question.deadline.cancel();
      const taking = this.#turn.then(async () => read && (await take(await read())));
      this.#turn = taking.catch(() => {});
      await taking.then(resolve, reject);
    };
    const question: Question = {
      ...{ id, hash, mostBytes, end, ready: inline },
      message: inline ? { ...about, body: toBase64(bytes) } : about,
      deadline: new ProgressDeadline(this.#ports.timers, this.#patience, () => {
        this.#ports.send(client, { type: "closed", order: id, code: "client/late" });
        void end();
      }),
    };
    this.#open.set(client, question);
    if (this.#closed) return end();
    question.deadline.progress();
    if (!inline) await this.#ports.blobs.put(blobName(hash), bytes);
    question.ready = true;
    this.#offer(client);
    await promise;
    const shared = [...this.#open.values()].some((other) => other.hash === hash);
    if (!inline && !shared) await this.#ports.blobs.delete(blobName(hash));
  }

  #offer(client: number): void {
    const question = this.#open.get(client);
    if (question?.ready === true) this.#ports.send(client, question.message);
  }

  #questionOf(client: number, id: string): Question | undefined {
    const question = this.#open.get(client);
    return question?.id === id ? question : undefined;
  }
}

const notBase64 = { code: "live/message", message: "the answer is not base64" };
const missing = { code: "live/blob", message: "the answer is missing from the store" };
