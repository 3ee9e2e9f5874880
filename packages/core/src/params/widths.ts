/** Models of other widths for clients: shares of the hidden units, and where the windows of units begin. */
export interface Widths {
  /** Share of the units of each hidden layer, in (0, 1], by tier; client i is in tier i modulo their number. */
  readonly ratios: readonly number[];
  /** False: everyone holds the leading units. True: in every round the windows begin one unit further. */
  readonly rolls: boolean;
  /** How a share of units becomes a number of them, at least one. Default "up". */
  readonly round?: "up" | "down";
}
