import type { Arrivals } from "../round/backend.ts";
import type { WorkRequest } from "../schedule/index.ts";

/** What arrivals are told by. */
export interface ArrivalSource {
  /** Resolves when the ledger was asked for every order that was submitted. */
  known(): Promise<void>;
  /** Clients that can be given work. */
  present(): readonly number[];
  given(version: number): Promise<readonly WorkRequest[]>;
}

/**
 * The order in which live orders have ended: those that the ledger knew before a restart by the sequence of acceptance, then
 * the others as they come. A failure that the ledger knew comes after them, as it has no sequence.
 */
export class LiveArrivals implements Arrivals {
  readonly #source: ArrivalSource;
  /** Orders with their sequence, in the order in which they ended. */
  readonly #ended = new Map<string, number>();
  #hasChanged = false;
  #woken = Promise.withResolvers<void>();

  constructor(source: ArrivalSource) {
    this.#source = source;
  }

  async next(signal: AbortSignal | undefined): Promise<string | undefined> {
    const wake = () => this.#wake();
    signal?.addEventListener("abort", wake);
    try {
      for (;;) {
        const { promise } = this.#woken;
        await this.#source.known();
        const first = [...this.#ended].reduce<[string, number] | undefined>(earlier, undefined);
        if (first !== undefined) return first[0];
        if (this.#hasChanged || signal?.aborted === true) {
          this.#hasChanged = false;
          return undefined;
        }
        await promise;
      }
    } finally {
      signal?.removeEventListener("abort", wake);
    }
  }

  absent(population: number): readonly number[] {
    const present = new Set(this.#source.present());
    return Array.from({ length: population }, (_, client) => client).filter((client) => !present.has(client));
  }

  given(version: number): Promise<readonly WorkRequest[]> {
    return this.#source.given(version);
  }

  arrived(id: string, sequence = Number.POSITIVE_INFINITY): void {
    this.#ended.set(id, sequence);
    this.#wake();
  }

  released(id: string): void {
    this.#ended.delete(id);
  }

  /** Another client is there. */
  changed(): void {
    this.#hasChanged = true;
    this.#wake();
  }

  #wake(): void {
    this.#woken.resolve();
    this.#woken = Promise.withResolvers();
  }
}

function earlier(first: [string, number] | undefined, other: [string, number]): [string, number] {
  return first !== undefined && first[1] <= other[1] ? first : other;
}
