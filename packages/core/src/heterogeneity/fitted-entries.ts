/** How the entries of FedLoGe's classifier are fitted. */
export interface ClassifierFit {
  /** r, the length that columns should have. */
  readonly radius: number;
  /** Steps of Adam. */
  readonly steps: number;
  readonly learningRate: number;
}

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** Steps of Adam on `classifierObjective` from a classifier [q, classes], in place; entries without support stay 0. */
export function fittedEntries(
  entries: Float64Array,
  support: ArrayLike<number>,
  classes: number,
  { radius, steps, learningRate }: ClassifierFit,
): Float64Array {
  const [first, second] = [new Float64Array(entries.length), new Float64Array(entries.length)];
  for (let step = 1; step <= steps; step++) {
    const slopes = objectiveSlopes(entries, support, classes, radius);
    const [unbiased1, unbiased2] = [1 - BETA1 ** step, 1 - BETA2 ** step];
    for (let k = 0; k < entries.length; k++) {
      first[k] = BETA1 * first[k]! + (1 - BETA1) * slopes[k]!;
      second[k] = BETA2 * second[k]! + (1 - BETA2) * slopes[k]! ** 2;
      entries[k]! -= (learningRate * (first[k]! / unbiased1)) / (Math.sqrt(second[k]! / unbiased2) + EPSILON);
    }
  }
  return entries;
}

/** The gradient of `classifierObjective` by the entries that have support, [q, classes]. */
export function objectiveSlopes(
  entries: ArrayLike<number>,
  support: ArrayLike<number>,
  classes: number,
  radius: number,
): Float64Array {
  const features = entries.length / classes;
  const slopes = new Float64Array(entries.length);
  const lengths = Float64Array.from({ length: classes }, (_, c) => columnLength(entries, classes, c));
  const unit = (row: number, c: number) => entries[row * classes + c]! / (lengths[c]! || 1);
  const cosine = (c: number, other: number) => {
    let sum = 0;
    for (let row = 0; row < features; row++) sum += unit(row, c) * unit(row, other);
    return sum;
  };
  for (let c = 0; c < classes; c++) {
    const [nearest, s] = nearestColumn(classes, c, cosine);
    // d(-acos(s) / C) = ds / (C sqrt(1 - s^2)); 0 where the angle has no slope
    const factor = Math.abs(s) < 1 ? 1 / (classes * Math.sqrt(1 - s * s)) : 0;
    for (let row = 0; row < features; row++) {
      const [own, other] = [unit(row, c), unit(row, nearest)];
      slopes[row * classes + c]! +=
        2 * (lengths[c]! - radius) * own + (factor * (other - s * own)) / (lengths[c]! || 1);
      slopes[row * classes + nearest]! += (factor * (own - s * other)) / (lengths[nearest]! || 1);
    }
  }
  return slopes.map((slope, k) => slope * support[k]!);
}

function columnLength(entries: ArrayLike<number>, classes: number, column: number): number {
  let sum = 0;
  for (let k = column; k < entries.length; k += classes) sum += entries[k]! ** 2;
  return Math.sqrt(sum);
}

/** The other column of the largest cosine, the first of equal ones. */
function nearestColumn(classes: number, c: number, cosine: (c: number, other: number) => number): [number, number] {
  let [nearest, largest] = [-1, Number.NEGATIVE_INFINITY];
  for (let other = 0; other < classes; other++) {
    const s = other === c ? Number.NEGATIVE_INFINITY : cosine(c, other);
    if (s > largest) [nearest, largest] = [other, s];
  }
  return [nearest, largest];
}
