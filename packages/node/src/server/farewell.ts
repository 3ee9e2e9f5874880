import type { LiveStatus } from "@anabranch/core/live";

/** Clients that were seen so long ago are not waited for. */
const goneSeconds = 120;

/**
 * The end of a run for clients that had just lost their connection: they are told when they come back, so the server stays a
 * moment for them. It waits for nobody else.
 */
export class Farewell {
  readonly #missing: Set<number>;
  readonly #all = Promise.withResolvers<void>();

  /** @param status just before the clients that are there were told */
  constructor({ clients }: LiveStatus) {
    const away = clients.filter(
      ({ status, connected, lastSeenSeconds = Number.POSITIVE_INFINITY }) =>
        status === "enrolled" && !connected && lastSeenSeconds < goneSeconds,
    );
    this.#missing = new Set(away.map(({ client }) => client));
    if (this.#missing.size === 0) this.#all.resolve();
  }

  /** A client is there again, and was told. */
  joined(client: number): void {
    if (this.#missing.delete(client) && this.#missing.size === 0) this.#all.resolve();
  }

  /** Resolves when all were told, or the time is over. */
  async wait(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    await Promise.race([this.#all.promise, promise]);
    clearTimeout(timer);
  }
}
