import { AnabranchError } from "@anabranch/engine";
import { deriveKey, type RandomKey, randomStream, shuffle } from "../random/index.ts";
import type { Partition } from "./partition.ts";

const TRAIN = 1;
const HOLDOUT = 2;

export interface Holdout {
  readonly train: Partition;
  readonly holdout: Partition;
}

/**
 * Sets aside a part of each client's own rows for local evaluation.
 *
 * A row is on one side for the whole federation: where clients share rows or hold a row twice (equal-size Dirichlet),
 * no example is trained on by one client and evaluated by another. Every client with rows keeps a training row. A
 * client of a disjoint partition with two rows or more holds out exactly max(1, round(fraction * size)) of them, or
 * one less than it has; where rows are shared the share is met as nearly as the rows already decided allow.
 *
 * @param fraction in [0, 1); 0 holds out nothing
 * @example
 * ```ts
 * import { rootKey, splitHoldout } from "@anabranch/core";
 * const partition = { clients: [Int32Array.of(0, 1, 2, 3, 4)] };
 * const { holdout } = splitHoldout(partition, 0.2, rootKey(1));
 * holdout.clients[0]!.length; // => 1
 * ```
 */
export function splitHoldout(partition: Partition, fraction: number, key: RandomKey): Holdout {
  if (!(fraction >= 0 && fraction < 1)) {
    throw new AnabranchError({
      code: "partition/holdout-fraction",
      message: "the share of local hold-out examples is out of range",
      received: String(fraction),
      expected: "a number from 0 up to, not including, 1",
    });
  }
  if (fraction === 0) return { train: partition, holdout: { clients: partition.clients.map(() => new Int32Array(0)) } };
  const side = new Uint8Array(largestRow(partition) + 1);
  const orders = partition.clients.map((rows, client) => {
    const order = Int32Array.from(new Set(rows));
    shuffle(randomStream(deriveKey(key, client)), order);
    return order;
  });
  // Each client's first row is pinned before any row is held out: the guarantee of a training row.
  for (const order of orders) if (order.length > 0) side[order[0]!] = TRAIN;
  for (const [client, rows] of partition.clients.entries()) decide(rows, orders[client]!, fraction, side);
  const pick = (wanted: number): Partition => ({
    clients: partition.clients.map((rows) => rows.filter((row) => side[row] === wanted)),
  });
  return { train: pick(TRAIN), holdout: pick(HOLDOUT) };
}

/** Puts the client's undecided rows on a side. */
function decide(rows: Int32Array, order: Int32Array, fraction: number, side: Uint8Array): void {
  const occurrences = new Map<number, number>();
  for (const row of rows) occurrences.set(row, (occurrences.get(row) ?? 0) + 1);
  let missing = order.length < 2 ? 0 : Math.max(1, Math.round(fraction * rows.length));
  for (const row of rows) if (side[row] === HOLDOUT) missing--;
  for (const row of order) {
    if (side[row] !== 0) continue;
    side[row] = missing > 0 ? HOLDOUT : TRAIN;
    if (missing > 0) missing -= occurrences.get(row)!;
  }
}

function largestRow(partition: Partition): number {
  let largest = -1;
  for (const rows of partition.clients) for (const row of rows) if (row > largest) largest = row;
  return largest;
}
