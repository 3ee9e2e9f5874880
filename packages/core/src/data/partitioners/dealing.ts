import { AnabranchError } from "@anabranch/engine";
import { permutation, type RandomStream } from "../../random/index.ts";

/** Rows of each class in random order, [classes][]. */
export function shuffledRowsByClass(
  labels: Int32Array | Uint8Array,
  classes: number,
  stream: RandomStream,
): Int32Array[] {
  const counts = new Int32Array(classes);
  for (const label of labels) counts[label]!++;
  const rows = Array.from(counts, (count) => new Int32Array(count));
  const filled = new Int32Array(classes);
  for (const row of permutation(stream, labels.length)) {
    const label = labels[row]!;
    rows[label]![filled[label]!++] = row;
  }
  return rows;
}

/**
 * Cuts `count` items at the running sums of `shares`: sizes that add up to `count` and differ from share * count by
 * less than one.
 *
 * @param shares [k], sums to 1
 * @returns [k]
 */
export function cutByShares(count: number, shares: Float64Array): Int32Array {
  const sizes = new Int32Array(shares.length);
  let cumulative = 0;
  let start = 0;
  for (let i = 0; i < shares.length; i++) {
    cumulative += shares[i]!;
    // The last cut is exact: the running sum may miss 1 by a rounding error.
    const end = i === shares.length - 1 ? count : Math.min(count, Math.floor(cumulative * count));
    sizes[i] = end - start;
    start = end;
  }
  return sizes;
}

/** Cuts rows into `parts` runs whose lengths differ by at most one. */
export function cutEvenly(rows: Int32Array, parts: number): Int32Array[] {
  return Array.from({ length: parts }, (_, i) =>
    rows.slice(Math.floor((i * rows.length) / parts), Math.floor(((i + 1) * rows.length) / parts)),
  );
}

/** Throws unless there is at least `each` examples for each of `clients` clients. */
export function checkEnough(partitioner: string, examples: number, clients: number, each = 1): void {
  if (!(Number.isInteger(clients) && clients >= 1)) {
    throw new AnabranchError({
      code: "partition/clients",
      message: "the number of clients is out of range",
      where: `partitioner ${partitioner}`,
      received: String(clients),
      expected: "an integer of 1 or more",
    });
  }
  if (examples >= clients * each) return;
  throw new AnabranchError({
    code: "partition/too-many-clients",
    message: "there are too few examples for this many clients",
    where: `partitioner ${partitioner}`,
    received: `${examples} examples for ${clients} clients`,
    expected: `at least ${clients * each} examples`,
    advice: "Use fewer clients or more data.",
  });
}
