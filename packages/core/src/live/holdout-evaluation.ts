import type { Vector } from "../params/vector.ts";
import type { EvaluationSums } from "../round/backend.ts";
import type { BlobStore } from "../round/blob-store.ts";
import { blobName } from "./content-hash.ts";
import type { ClientMessage, ServerMessage } from "./control.ts";
import type { Timers } from "./ports.ts";
import { storeBroadcast } from "./store-broadcast.ts";

interface EvaluationPorts {
  readonly blobs: BlobStore;
  readonly timers: Timers;
  send(client: number, message: ServerMessage): boolean;
}

const NONE: EvaluationSums = { loss: 0, score: 0, examples: 0 };

/** Has clients evaluate a model on examples that they keep to themselves. One evaluation at a time. */
export class HoldoutEvaluation {
  readonly #ports: EvaluationPorts;
  readonly #seconds: number;
  #asked = 0;
  #hash: string | undefined;
  #waiting = new Set<number>();
  #answers = new Map<number, EvaluationSums>();
  #done: () => void = () => {};

  constructor(ports: EvaluationPorts, seconds: number) {
    this.#ports = ports;
    this.#seconds = seconds;
  }

  published(hash: string): boolean {
    return hash === this.#hash;
  }

  /** Sums of each client of the population; of those that do not answer in time, none. */
  async evaluate(parameters: Vector, clients: readonly number[], population: number): Promise<EvaluationSums[]> {
    const order = `evaluation-${++this.#asked}`;
    const broadcast = { round: this.#asked, vectors: { parameters }, scalars: {} };
    const { hash, bytes } = await storeBroadcast(this.#ports.blobs, broadcast);
    this.#hash = hash;
    this.#answers = new Map();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#done = resolve;
    const message = { type: "evaluate", order, blob: hash, bytes } as const;
    this.#waiting = new Set(clients.filter((client) => this.#ports.send(client, message)));
    if (this.#waiting.size === 0) resolve();
    const cancel = this.#ports.timers.after(this.#seconds * 1000, resolve);
    await promise;
    cancel();
    await this.#ports.blobs.delete(blobName(hash));
    this.#hash = undefined;
    return Array.from({ length: population }, (_, client) => this.#answers.get(client) ?? NONE);
  }

  answered(client: number, { order, loss, score, examples }: Extract<ClientMessage, { type: "evaluated" }>): void {
    if (order !== `evaluation-${this.#asked}` || !this.#waiting.delete(client)) return;
    this.#answers.set(client, { loss, score, examples });
    if (this.#waiting.size === 0) this.#done();
  }

  gone(client: number): void {
    if (this.#waiting.delete(client) && this.#waiting.size === 0) this.#done();
  }

  close(): void {
    this.#done();
  }
}
