/** A linear head, z = W f + b, in host memory: weight [C, q] row by row, and perhaps bias [C]. */
export interface HeaderWeights {
  readonly weight: Float64Array;
  readonly bias?: Float64Array;
}

/** Logits [C] of features [q] under a linear head. */
export function headerLogits({ weight, bias }: HeaderWeights, features: readonly number[]): Float64Array {
  const q = features.length;
  return Float64Array.from({ length: weight.length / q }, (_, c) =>
    features.reduce((sum, value, j) => sum + weight[c * q + j]! * value, bias?.[c] ?? 0),
  );
}

/** softmax(z / T) */
export function probabilities(logits: Float64Array, temperature = 1): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const raised = logits.map((z) => Math.exp((z - largest) / temperature));
  const total = raised.reduce((a, b) => a + b, 0);
  return raised.map((value) => value / total);
}
