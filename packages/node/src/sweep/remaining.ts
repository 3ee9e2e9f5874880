/** A piece of work whose time is to be foretold. */
interface Work {
  readonly variant: string;
  readonly rounds: number;
}

/** Foretells the time that is left from what has been measured: seconds a round by variant, else over all of them. */
export class Remaining {
  readonly #left: Work[];
  readonly #jobs: number;
  readonly #measured = new Map<string, { seconds: number; rounds: number }>();

  /** @param jobs runs at a time */
  constructor(work: readonly Work[], jobs: number) {
    this.#left = [...work];
    this.#jobs = jobs;
  }

  /** Takes away a piece of work; `seconds` for `rounds` of it were measured, 0 rounds tell nothing. */
  done(work: Work, seconds: number, rounds: number): void {
    const index = this.#left.findIndex(({ variant, rounds }) => variant === work.variant && rounds === work.rounds);
    if (index >= 0) this.#left.splice(index, 1);
    if (rounds === 0) return;
    const before = this.#measured.get(work.variant) ?? { seconds: 0, rounds: 0 };
    this.#measured.set(work.variant, { seconds: before.seconds + seconds, rounds: before.rounds + rounds });
  }

  /** Seconds to the end; NaN as long as nothing was measured and something is left. */
  get seconds(): number {
    const all = [...this.#measured.values()];
    const pace = (parts: readonly { seconds: number; rounds: number }[]) =>
      parts.reduce((sum, { seconds }) => sum + seconds, 0) / parts.reduce((sum, { rounds }) => sum + rounds, 0);
    const total = this.#left.reduce((sum, { variant, rounds }) => {
      const own = this.#measured.get(variant);
      return sum + rounds * pace(own === undefined ? all : [own]);
    }, 0);
    return total / this.#jobs;
  }
}
