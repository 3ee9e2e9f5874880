import { AnabranchError } from "@anabranch/engine";
import { permutation, type RandomStream, randomStream, sampleWithoutReplacement } from "../../random/index.ts";
import type { Partition, Partitioner } from "../partition.ts";

export interface NaturalOptions {
  /** Groups (or, with `merge`, merged clients) with fewer examples than this are left out (or refused). */
  readonly minimumSize: number;
  /**
   * false: a client is one group; of more groups than clients wanted, a random selection is taken. true: all groups
   * are dealt to the wanted number of clients, each to the client with the fewest examples so far.
   */
  readonly merge: boolean;
}

/**
 * Clients as they come in the data: a speaker, a writer, a hospital. With the number of clients 0, every group of at
 * least `minimumSize` examples is a client, in the order of the groups.
 *
 * @example
 * ```ts
 * import { natural, rootKey } from "@anabranch/core";
 * const groups = Int32Array.of(0, 0, 1, 1, 1);
 * const scheme = natural({ minimumSize: 1, merge: false });
 * const { clients } = scheme.partition(new Uint8Array(5), { key: rootKey(1), classes: 1, clients: 2, groups });
 * clients.map((rows) => rows.length).sort(); // => [2, 3]
 * ```
 */
export function natural(options: NaturalOptions): Partitioner {
  return {
    name: "natural",
    reads: "groups",
    partition(labels, { key, clients, groups }) {
      if (groups === undefined || groups.length !== labels.length) throw noGroups(groups?.length, labels.length);
      const rows = rowsByGroup(groups);
      const large = rows.filter((ofGroup) => ofGroup.length >= options.minimumSize);
      if (clients === 0 && large.length > 0) return { clients: large };
      const usable = options.merge ? rows : large;
      if (usable.length < clients || clients < 1) throw tooFewGroups(usable.length, clients, options);
      const stream = randomStream(key);
      if (options.merge) return mergeGroups(stream, rows, clients, options.minimumSize);
      const chosen = sampleWithoutReplacement(stream, large.length, clients).sort();
      return { clients: Array.from(chosen, (group) => large[group]!) };
    },
  };
}

/** Rows of each group that has any, in the order of the group numbers. */
function rowsByGroup(groups: Int32Array): Int32Array[] {
  const rows = new Map<number, number[]>();
  for (const [row, group] of groups.entries()) {
    const held = rows.get(group);
    if (held === undefined) rows.set(group, [row]);
    else held.push(row);
  }
  return [...rows].sort(([a], [b]) => a - b).map(([, held]) => Int32Array.from(held));
}

function mergeGroups(
  stream: RandomStream,
  rows: readonly Int32Array[],
  clients: number,
  minimumSize: number,
): Partition {
  const held = Array.from({ length: clients }, (): number[] => []);
  for (const group of permutation(stream, rows.length)) {
    const smallest = held.reduce((a, b) => (b.length < a.length ? b : a));
    for (const row of rows[group]!) smallest.push(row);
  }
  const sizes = held.map((client) => client.length);
  const least = sizes.reduce((a, b) => Math.min(a, b));
  if (least < minimumSize) {
    throw new AnabranchError({
      code: "partition/empty-client",
      message: "merging the groups leaves a client with too few examples",
      where: `partitioner natural, ${clients} clients`,
      received: `${least} examples for the smallest client`,
      expected: `at least ${minimumSize}`,
      advice: "Use fewer clients or a smaller minimumSize.",
    });
  }
  return { clients: held.map((client) => Int32Array.from(client)) };
}

function noGroups(received: number | undefined, examples: number): AnabranchError {
  return new AnabranchError({
    code: "partition/no-groups",
    message: "the data set does not say which examples belong together",
    where: "partitioner natural",
    received: received === undefined ? "no groups" : `${received} groups for ${examples} examples`,
    expected: "one group for each example",
    advice: 'Use a data set with groups (tiny-shakespeare has speakers), or another partitioner such as "dirichlet".',
  });
}

function tooFewGroups(usable: number, clients: number, options: NaturalOptions): AnabranchError {
  return new AnabranchError({
    code: "partition/too-many-clients",
    message: "there are fewer natural groups than clients",
    where: `partitioner natural, minimumSize ${options.minimumSize}`,
    received: `${usable} groups for ${clients} clients`,
    expected: `at least ${Math.max(1, clients)} groups`,
    advice: `Set data.clients to at most ${usable}, or use a smaller minimumSize.`,
  });
}
