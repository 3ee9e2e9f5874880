import { join } from "node:path";
import type { RunFolder } from "../store/run-folder.ts";

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
  readonly #run: RunFolder;
  readonly #shared = new Map<string, Shared>();

  constructor(run: RunFolder) {
    this.#run = run;
  }

  /** The blob with a hash, until it is disposed of; undefined where there is none. */
  async open(hash: string): Promise<OpenBlob | undefined> {
    const shared = this.#shared.get(hash) ?? this.#read(hash);
    shared.users++;
    let isOpen = true;
    const close = () => {
      if (isOpen && --shared.users === 0) this.#shared.delete(hash);
      isOpen = false;
    };
    try {
      const bytes = await shared.bytes;
      if (bytes !== undefined) return { bytes, [Symbol.dispose]: close };
    } catch (error) {
      close();
      throw error;
    }
    close();
    return undefined;
  }

  #read(hash: string): Shared {
    const { folder, files } = this.#run;
    const shared = { bytes: files.read(join(folder, "blobs", hash)), users: 0 };
    this.#shared.set(hash, shared);
    return shared;
  }
}
