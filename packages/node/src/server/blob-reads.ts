import type { BlobStore } from "@anabranch/core";
import { blobName } from "@anabranch/core/live";

/** A blob in memory. */
export interface OpenBlob extends Disposable {
  readonly bytes: Uint8Array;
}

interface Shared {
  readonly bytes: Promise<Uint8Array | undefined>;
  users: number;
}

/**
 * The blobs of a run while they are being sent. All clients of a round fetch the same bytes: they are read once, and stay
 * in memory as long as one of the clients takes them.
 */
export class BlobReads {
  readonly #blobs: Pick<BlobStore, "get">;
  readonly #lingerMs: number;
  readonly #shared = new Map<string, Shared>();
  /** The blob that was let go last. */
  #lingering: { readonly hash: string; readonly shared: Shared; readonly timer: NodeJS.Timeout } | undefined;

  /** @param lingerMs how long the blob that was sent last stays in memory: what asks for it in parts reads it once */
  constructor(blobs: Pick<BlobStore, "get">, lingerMs = 0) {
    this.#blobs = blobs;
    this.#lingerMs = lingerMs;
  }

  /** The blob with a hash, until it is disposed of; undefined where there is none. Throws what the store throws. */
  async open(hash: string): Promise<OpenBlob | undefined> {
    const shared = this.#shared.get(hash) ?? this.#awakened(hash) ?? this.#read(hash);
    shared.users++;
    let isOpen = true;
    const close = (lingers = false) => {
      if (isOpen && --shared.users === 0) {
        this.#shared.delete(hash);
        if (lingers && this.#lingerMs > 0) this.#linger(hash, shared);
      }
      isOpen = false;
    };
    try {
      const bytes = await shared.bytes;
      if (bytes !== undefined) return { bytes, [Symbol.dispose]: () => close(true) };
    } catch (error) {
      close();
      throw error;
    }
    close();
    return undefined;
  }

  #read(hash: string): Shared {
    const shared = { bytes: this.#blobs.get(blobName(hash)), users: 0 };
    this.#shared.set(hash, shared);
    return shared;
  }

  #linger(hash: string, shared: Shared): void {
    clearTimeout(this.#lingering?.timer);
    const timer = setTimeout(() => {
      this.#lingering = undefined;
    }, this.#lingerMs).unref();
    this.#lingering = { hash, shared, timer };
  }

  #awakened(hash: string): Shared | undefined {
    if (this.#lingering?.hash !== hash) return undefined;
    const { shared, timer } = this.#lingering;
    clearTimeout(timer);
    this.#lingering = undefined;
    this.#shared.set(hash, shared);
    return shared;
  }
}
