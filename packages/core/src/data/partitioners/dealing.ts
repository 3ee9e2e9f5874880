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

/** A running sum that misses a whole number by rounding alone counts as that number. */
const SLACK = 1e-9;

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
    const end = i === shares.length - 1 ? count : Math.min(count, Math.floor(cumulative * count + SLACK));
    sizes[i] = end - start;
    start = end;
  }
  return sizes;
}

/**
 * Sizes [classes][clients] of a division class by class: class c is cut at the running sums of its shares.
 *
 * @param sharesOf [clients] for a class, called in the order of the classes
 * @param balanced the rule of NIID-Bench: a client that already holds its equal part of all examples gets nothing of a
 *   class; the shares of the others are drawn out to 1
 */
export function cutByClass(
  classSizes: readonly number[],
  clients: number,
  sharesOf: (label: number) => Float64Array,
  balanced = false,
): Int32Array[] {
  const equalPart = classSizes.reduce((a, b) => a + b, 0) / clients;
  const held = new Int32Array(clients);
  return classSizes.map((size, label) => {
    const shares = sharesOf(label);
    const sizes = cutByShares(size, balanced ? openShares(shares, held, equalPart) : shares);
    for (let client = 0; client < clients; client++) held[client]! += sizes[client]!;
    return sizes;
  });
}

/** The shares of clients below their equal part, summing to 1; equal ones where none of them has a share. */
function openShares(shares: Float64Array, held: Int32Array, equalPart: number): Float64Array {
  const open = shares.map((share, client) => (held[client]! >= equalPart ? 0 : share));
  const total = open.reduce((a, b) => a + b, 0);
  if (total > 0) return open.map((share) => share / total);
  const places = held.reduce((count, size) => count + (size < equalPart ? 1 : 0), 0);
  return shares.map((share, client) => (places === 0 ? share : held[client]! < equalPart ? 1 / places : 0));
}

/** Rows of clients, class by class: each class's rows in runs of the given sizes, [classes][clients]. */
export function rowsOfClients(
  rows: readonly Int32Array[],
  sizes: readonly Int32Array[],
  clients: number,
): { readonly clients: Int32Array[] } {
  const starts = new Int32Array(rows.length);
  return {
    clients: Array.from({ length: clients }, (_, client) => {
      const held: number[] = [];
      for (const [label, ofClass] of rows.entries()) {
        const start = starts[label]!;
        starts[label] = start + sizes[label]![client]!;
        for (const row of ofClass.subarray(start, starts[label])) held.push(row);
      }
      return Int32Array.from(held);
    }),
  };
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
