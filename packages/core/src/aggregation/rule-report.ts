/** What a rule made of a round's updates, by client. */
export interface RuleReport {
  readonly rule: string;
  /** Clients whose update was not finite, or that a reputation has removed. */
  readonly dropped: readonly number[];
  /** Clients whose update was chosen, by rules that choose, in the order of choice. */
  readonly selected?: readonly number[];
  /** Client and trust, by rules that trust. */
  readonly trust?: readonly (readonly [number, number])[];
  /** Weights that keep their adapters, in the round that chose them. */
  readonly weights?: readonly string[];
}
