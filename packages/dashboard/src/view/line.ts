/** One line of a chart; NaN: nothing was measured. */
export interface Line {
  readonly name: string;
  readonly values: readonly number[];
  /** A colour of the style, such as "--accent". */
  readonly colour: string;
}
