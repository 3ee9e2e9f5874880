/** Work that goes on while the caller does, a few pieces at a time. The first failure is thrown by the next call. */
export class Background {
  readonly #width: number;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(width: number) {
    this.#width = width;
  }

  /** Takes a piece of work that has begun; resolves when there is room for another. */
  async add(work: Promise<void>): Promise<void> {
    const watched: Promise<void> = work
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(watched));
    this.#running.add(watched);
    while (this.#running.size >= this.#width) await Promise.race(this.#running);
    this.#throwFailure();
  }

  /** Resolves when all work is done. */
  async finish(): Promise<void> {
    await this.settle();
    this.#throwFailure();
  }

  /** As `finish`, but throws nothing. */
  async settle(): Promise<void> {
    await Promise.all(this.#running);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
