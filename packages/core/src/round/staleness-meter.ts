/** Versions of the model that have passed since those which the updates of a round were trained on. */
export interface Staleness {
  readonly mean: number;
  readonly max: number;
}

/** Counts the staleness of a round's updates. */
export class StalenessMeter {
  #count = 0;
  #sum = 0;
  #max = 0;

  add(staleness: number): void {
    this.#count++;
    this.#sum += staleness;
    this.#max = Math.max(this.#max, staleness);
  }

  /** Zeros where there was no update. */
  summary(): Staleness {
    return { mean: this.#count === 0 ? 0 : this.#sum / this.#count, max: this.#max };
  }
}
