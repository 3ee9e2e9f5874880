interface RoundCost {
  readonly bytesDown: number;
  readonly bytesUp: number;
  readonly seconds: number;
}

/** What an evaluation says of a model that predicts numbers; of classes neither. */
interface Errors {
  readonly rmse?: number | undefined;
  readonly r2?: number | undefined;
}

interface RoundEntry extends RoundCost {
  accuracy: number | null;
  errors: Errors;
}

/** What the rounds of a run add up to. Without any evaluation accuracies and errors are null. */
export interface Totals extends RoundCost {
  /** The highest number of a round; 0 without any. */
  readonly lastRound: number;
  readonly finalAccuracy: number | null;
  readonly bestAccuracy: number | null;
  readonly finalRmse: number | null;
  readonly finalR2: number | null;
}

const nothing: Totals = {
  ...{ bytesDown: 0, bytesUp: 0, seconds: 0 },
  ...{ lastRound: 0, finalAccuracy: null, bestAccuracy: null, finalRmse: null, finalR2: null },
};

/**
 * Adds up rounds as they come. A run asks for its totals after each of its rounds, so a round that follows the others
 * is added in constant time; only one that comes again has all of them added up anew.
 */
export class RoundTotals {
  readonly #rounds = new Map<number, RoundEntry>();
  #known: Totals | undefined = nothing;

  /** A round has ended; of one that ends twice the last time counts. */
  add(round: number, { bytesDown, bytesUp, seconds }: RoundCost): void {
    const entry = { bytesDown, bytesUp, seconds, accuracy: null, errors: {} };
    this.#known = this.#known && round > this.#known.lastRound ? extended(this.#known, round, entry) : undefined;
    this.#rounds.set(round, entry);
  }

  /** A known round was evaluated. */
  evaluate(round: number, accuracy: number | null, errors: Errors = {}): void {
    const entry = this.#rounds.get(round);
    if (entry === undefined) return;
    const isNews = entry.accuracy === null && entry.errors.rmse === undefined && round === this.#known?.lastRound;
    entry.accuracy = accuracy;
    entry.errors = errors;
    this.#known = this.#known && isNews ? evaluated(this.#known, entry) : undefined;
  }

  dropAfter(round: number): void {
    for (const known of [...this.#rounds.keys()]) {
      if (known <= round) continue;
      this.#rounds.delete(known);
      this.#known = undefined;
    }
  }

  get totals(): Totals {
    if (this.#known !== undefined) return this.#known;
    let totals = nothing;
    for (const [round, entry] of this.#rounds) totals = evaluated(extended(totals, round, entry), entry);
    this.#known = totals;
    return totals;
  }
}

function extended(totals: Totals, round: number, cost: RoundCost): Totals {
  return {
    ...totals,
    lastRound: Math.max(totals.lastRound, round),
    bytesDown: totals.bytesDown + cost.bytesDown,
    bytesUp: totals.bytesUp + cost.bytesUp,
    seconds: totals.seconds + cost.seconds,
  };
}

function evaluated(totals: Totals, { accuracy, errors: { rmse, r2 } }: RoundEntry): Totals {
  const withErrors = rmse === undefined ? totals : { ...totals, finalRmse: rmse, finalR2: r2 ?? null };
  if (accuracy === null) return withErrors;
  const bestAccuracy = Math.max(totals.bestAccuracy ?? accuracy, accuracy);
  return { ...withErrors, finalAccuracy: accuracy, bestAccuracy };
}
