import type { Order, Outcome } from "../round/backend.ts";
import type { BlobStore } from "../round/blob-store.ts";
import { blobName } from "./content-hash.ts";
import type { ArrivedUpdate } from "./ports.ts";
import { readUpdate } from "./read-update.ts";
import type { StoredBroadcast } from "./store-broadcast.ts";

/** What an update is compared with. */
interface Expected {
  readonly order: Order;
  readonly version: StoredBroadcast | undefined;
}

/** What of a run bounds an update. */
export interface UpdateReaderPorts {
  readonly blobs: BlobStore;
  /** Examples that a client has declared; undefined where it has not joined since the server started. */
  examplesOf(client: number): number | "withheld" | undefined;
}

/** Reads updates one after the other, so that memory holds one of them. */
export class UpdateReader {
  readonly #ports: UpdateReaderPorts;
  readonly #maxBytes: number;
  #reading: Promise<unknown> = Promise.resolve();
  /** The update that was read last: most often it is wanted next. Nothing else holds one. */
  #newest: { readonly id: string; readonly hash: string; readonly outcome: Outcome } | undefined;

  /** @param maxBytes longest encoded update */
  constructor(ports: UpdateReaderPorts, maxBytes: number) {
    this.#ports = ports;
    this.#maxBytes = maxBytes;
  }

  /** Reads an update that has arrived. One that is right is the newest, until another is read. */
  async readArrived(expected: Expected, arrived: ArrivedUpdate): Promise<Outcome> {
    const outcome = await this.#read(expected, () => arrived.read());
    if (!("failure" in outcome)) this.#newest = { id: expected.order.id, hash: arrived.hash, outcome };
    return outcome;
  }

  /** An accepted update, from the store if it is not the newest any more. */
  async readStored(expected: Expected, hash: string): Promise<Outcome> {
    const newest = this.#newest;
    this.#newest = undefined;
    if (newest?.id === expected.order.id && newest.hash === hash) return newest.outcome;
    return this.#read(expected, () => this.#ports.blobs.get(blobName(hash)));
  }

  #read({ order, version }: Expected, read: () => Promise<Uint8Array | undefined>): Promise<Outcome> {
    const expected = { examples: this.#ports.examplesOf(order.client), maxBytes: this.#maxBytes };
    const reading = this.#reading.then(async () => {
      this.#newest = undefined;
      return readUpdate(await read(), order, version!.bytes, expected);
    });
    this.#reading = reading.catch(() => {});
    return reading;
  }
}
