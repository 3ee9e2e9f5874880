import type { Broadcast } from "../protocol/index.ts";
import type { BlobStore } from "../round/blob-store.ts";
import { blobName } from "./content-hash.ts";
import type { Ledger } from "./ports.ts";
import { lostLedger, secondRelease } from "./release-errors.ts";
import { type StoredBroadcast, storeBroadcast } from "./store-broadcast.ts";

/** How long versions are kept, and whether they are counted. */
export interface VersionSettings {
  /** Versions whose updates a resumed run may still ask for. */
  readonly keptVersions: number;
  /**
   * No version of the model is made twice, for whatever clients: in private runs that would be a second release of the
   * same updates, which epsilon does not count.
   */
  readonly releasesOnce: boolean;
}

/** The messages of a version: for all, and for those who have the version before. */
interface StoredVersion {
  readonly broadcast: Broadcast;
  readonly whole: StoredBroadcast;
  readonly change: StoredBroadcast | undefined;
  /** Of methods whose clients rebuild the model: for those whose state is of a version, or who have none. */
  readonly own: Map<number | undefined, Promise<StoredBroadcast>>;
}

/** Model versions that clients can fetch, as blobs named by their hash. */
export class PublishedVersions {
  readonly #ports: { readonly ledger: Ledger; readonly blobs: BlobStore };
  readonly #settings: VersionSettings;
  readonly #stored = new Map<number, Promise<StoredVersion>>();
  /** The oldest version in use when each of the last versions was published. */
  readonly #oldest: number[] = [];
  /** Blobs of retired versions. */
  #deleting: Promise<unknown> = Promise.resolve();

  constructor(ports: { readonly ledger: Ledger; readonly blobs: BlobStore }, settings: VersionSettings) {
    this.#ports = ports;
    this.#settings = settings;
  }

  /** @throws `live/second-release`, `live/lost-ledger`, and what the stores throw */
  async publish(version: number, broadcast: Broadcast, change?: Broadcast): Promise<void> {
    const stored = this.#store(version, broadcast, change);
    this.#stored.set(version, stored);
    await stored;
  }

  /** The checkpoint of a round is durable, so the round is not trained again. */
  async saved(round: number): Promise<void> {
    if (this.#settings.releasesOnce) await this.#note(round + 1);
  }

  /** Nobody may fetch the version any more, so its blob goes: a run would else keep a model of every round. */
  retire(version: number): void {
    const stored = this.#stored.get(version);
    this.#stored.delete(version);
    const deleting = stored?.then(async (messages) => {
      for (const { hash } of await messagesOf(messages)) await this.#ports.blobs.delete(blobName(hash));
    });
    this.#deleting = Promise.all([this.#deleting, deleting]);
    this.#deleting.catch(() => {}); // the next version is not published then
  }

  /**
   * The message of a version that was published and is not retired, for a client whose state is of version `stateOf`.
   *
   * @param messageAfter makes it of the broadcast, where clients are not sent the same
   */
  async get(
    version: number,
    stateOf: number | undefined,
    messageAfter?: (broadcast: Broadcast, stateOf: number | undefined) => Broadcast,
  ): Promise<StoredBroadcast> {
    const { broadcast, whole, change, own } = await this.#stored.get(version)!;
    if (messageAfter !== undefined) {
      const stored = own.get(stateOf) ?? storeBroadcast(this.#ports.blobs, messageAfter(broadcast, stateOf));
      own.set(stateOf, stored);
      stored.catch(() => own.delete(stateOf)); // a client that asks again gets another try
      return stored;
    }
    return change !== undefined && stateOf === version - 1 ? change : whole;
  }

  /** Whether a blob belongs to a version that is being trained. */
  async has(hash: string): Promise<boolean> {
    for (const stored of this.#stored.values()) {
      const known = await stored.catch(() => undefined);
      if (known !== undefined && (await messagesOf(known)).some((message) => message.hash === hash)) return true;
    }
    return false;
  }

  async #store(version: number, broadcast: Broadcast, shortened: Broadcast | undefined): Promise<StoredVersion> {
    await this.#deleting;
    const { ledger, blobs } = this.#ports;
    const whole = await storeBroadcast(blobs, broadcast);
    const change = shortened === undefined ? undefined : await storeBroadcast(blobs, shortened);
    if (this.#settings.releasesOnce) await this.#note(version, whole.hash);
    const old = await ledger.forgetBefore(this.#oldestKept(version));
    for (const unused of old) {
      if (unused !== whole.hash && unused !== change?.hash) await blobs.delete(blobName(unused));
    }
    return { broadcast, whole, change, own: new Map() };
  }

  async #note(version: number, broadcast?: string): Promise<void> {
    const noted = await this.#ports.ledger.noteVersion(version, broadcast);
    if (noted === "gap") throw lostLedger(version);
    if (noted !== "noted") throw secondRelease(version);
  }

  /** The oldest version that a resumed run may ask for: some orders of an asynchronous run are on much older ones. */
  #oldestKept(version: number): number {
    const { keptVersions } = this.#settings;
    this.#oldest.push(Math.min(...this.#stored.keys(), version));
    if (this.#oldest.length > keptVersions + 1) this.#oldest.shift();
    return Math.min(version - keptVersions, ...this.#oldest);
  }
}

async function messagesOf({ whole, change, own }: StoredVersion): Promise<readonly StoredBroadcast[]> {
  const stored = await Promise.allSettled(own.values());
  return [
    whole,
    ...(change === undefined ? [] : [change]),
    ...stored.flatMap((it) => ("value" in it ? [it.value] : [])),
  ];
}
