/** Traced constants from lists and back, and losses in plain loops, for the tests of this folder. */
import { constant, evaluate, type Tensor } from "@anabranch/engine";

export const matrix = (rows: readonly (readonly number[])[]) => constant(rows.flat(), [rows.length, rows[0]!.length]);
export const labels = (list: readonly number[]) => constant(list, [list.length], "int32");
export const value = (tensor: Tensor) => evaluate(tensor).data[0]!;
export const list = (tensor: Tensor) => Array.from(evaluate(tensor).data);

/** Softmax in plain loops, an oracle. */
export function softmaxOf(row: readonly number[], temperature = 1): number[] {
  const powers = row.map((x) => Math.exp(x / temperature));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((x) => x / total);
}
export const meanOf = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
export const entropy = (rows: readonly (readonly number[])[], truth: readonly number[]) =>
  meanOf(rows.map((row, i) => -Math.log(softmaxOf(row)[truth[i]!]!)));
