import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deriveKey, rootKey } from "../../random/index.ts";
import { partitionHash } from "../hash.ts";
import type { Partition, PartitionContext, Partitioner } from "../partition.ts";
import { partitionStatistics } from "../statistics.ts";
import { createPartitioner } from "./table.ts";

const CLASSES = 10;
/** 2,000 examples, 200 of each class, interleaved. */
const LABELS = Uint8Array.from({ length: 2000 }, (_, i) => i % CLASSES);
/** 40 owners of 50 examples each. */
const GROUPS = Int32Array.from(LABELS, (_, i) => Math.floor(i / 50));

function context(clients: number, seed = 1): PartitionContext {
  return { key: deriveKey(rootKey(seed), "partition"), classes: CLASSES, clients, groups: GROUPS };
}

function split(partitioner: Partitioner, clients: number, seed = 1): Partition {
  return partitioner.partition(LABELS, context(clients, seed));
}

function allRows(partition: Partition): number[] {
  return partition.clients.flatMap((rows) => [...rows]).sort((a, b) => a - b);
}

const EVERY_ROW = Array.from(LABELS, (_, row) => row);

// Rules that use every example exactly once.
const COMPLETE: [string, Partitioner][] = [
  ["iid", createPartitioner("iid")],
  ["dirichlet disjoint", createPartitioner("dirichlet", { recipe: "disjoint", alpha: 0.5 })],
  ["shards", createPartitioner("shards")],
  ["quantity-skew", createPartitioner("quantity-skew")],
  ["natural merged", createPartitioner("natural", { merge: true })],
];
const ALL: [string, Partitioner][] = [
  ...COMPLETE,
  ["dirichlet equal-size", createPartitioner("dirichlet")],
  ["natural", createPartitioner("natural")],
  ["long-tail", createPartitioner("long-tail")],
  ["long-tail, then Dirichlet", createPartitioner("long-tail", { alpha: 0.3 })],
];

describe.each(ALL)("%s", (_, partitioner) => {
  it("makes the clients asked for, none empty, with valid rows", () => {
    const partition = split(partitioner, 10);
    expect(partition.clients.length).toBe(10);
    for (const rows of partition.clients) {
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.every((row) => row >= 0 && row < LABELS.length)).toBe(true);
    }
  });

  it("is decided by the key", () => {
    expect(partitionHash(split(partitioner, 10, 1))).toBe(partitionHash(split(partitioner, 10, 1)));
    expect(partitionHash(split(partitioner, 10, 1))).not.toBe(partitionHash(split(partitioner, 10, 2)));
  });
});

describe.each(COMPLETE)("%s", (_, partitioner) => {
  it("uses every example exactly once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(), (clients, seed) => {
        expect(allRows(split(partitioner, clients, seed))).toEqual(EVERY_ROW);
      }),
      { numRuns: 15 },
    );
  });
});

describe("iid", () => {
  it("makes sizes that differ by at most one", () => {
    const sizes = new Set(split(createPartitioner("iid"), 7).clients.map((rows) => rows.length));
    expect([...sizes].sort()).toEqual([285, 286]);
  });

  it("refuses more clients than examples", () => {
    expect(() => split(createPartitioner("iid"), 2001)).toThrow(
      expect.objectContaining({ code: "partition/too-many-clients" }),
    );
    expect(() => split(createPartitioner("iid"), 0)).toThrow(expect.objectContaining({ code: "partition/clients" }));
  });
});

describe("dirichlet, equal-size recipe", () => {
  it("gives every client floor(examples / clients) rows", () => {
    for (const rows of split(createPartitioner("dirichlet"), 30).clients) expect(rows.length).toBe(66);
  });

  it("reuses and leaves out examples, but uses up a pool before it starts over", () => {
    const partition = split(createPartitioner("dirichlet", { alpha: 0.1 }), 100);
    const statistics = partitionStatistics(partition, LABELS, CLASSES);
    expect(statistics.duplicated).toBeGreaterThan(0);
    expect(statistics.unused).toBeGreaterThan(0);
    // 100 * 20 places for 2,000 examples: what is left out is made up by repetition.
    expect(statistics.unused).toBe(statistics.duplicated);
    const times = new Int32Array(LABELS.length);
    for (const rows of partition.clients) for (const row of rows) times[row]!++;
    for (let label = 0; label < CLASSES; label++) {
      const ofClass = times.filter((_, row) => LABELS[row] === label);
      expect(Math.max(...ofClass) - Math.min(...ofClass)).toBeLessThanOrEqual(1);
    }
  });

  it("leaves out classes without examples", () => {
    const labels = new Uint8Array(100).fill(3);
    const partition = createPartitioner("dirichlet").partition(labels, context(5));
    expect(partition.clients.every((rows) => rows.length === 20)).toBe(true);
  });
});

describe("label skew", () => {
  const recipes = ["equal-size", "disjoint"];

  it.each(recipes)("%s: alpha 1e6 is nearly IID", (recipe) => {
    const partition = split(createPartitioner("dirichlet", { recipe, alpha: 1e6 }), 4);
    const { counts } = partitionStatistics(partition, LABELS, CLASSES);
    // Equal-size: a count is binomial(500, 0.1), sd 6.7; 5 sd over 40 counts: false alarm 2e-5. Disjoint: about 0.
    for (const client of counts) for (const count of client) expect(Math.abs(count - 50)).toBeLessThan(34);
  });

  it("alpha 0.001 leaves the median client one class", () => {
    const partition = split(createPartitioner("dirichlet", { alpha: 1e-3 }), 50);
    const { effectiveClasses } = partitionStatistics(partition, LABELS, CLASSES);
    expect([...effectiveClasses].sort((a, b) => a - b)[25]).toBeLessThan(1.5);
  });

  it("grows as alpha falls", () => {
    const distance = (alpha: number) =>
      partitionStatistics(split(createPartitioner("dirichlet", { alpha }), 40), LABELS, CLASSES).meanLabelDistance;
    expect(distance(0.1)).toBeGreaterThan(distance(1) + 0.1);
    expect(distance(1)).toBeGreaterThan(distance(100) + 0.1);
  });
});

describe("dirichlet, disjoint recipe", () => {
  it("keeps the minimum size", () => {
    const partitioner = createPartitioner("dirichlet", { recipe: "disjoint", alpha: 1, minimumSize: 40 });
    for (const rows of split(partitioner, 20).clients) expect(rows.length).toBeGreaterThanOrEqual(40);
  });

  it("gives up with advice where no draw serves every client", () => {
    const partitioner = createPartitioner("dirichlet", { recipe: "disjoint", alpha: 0.01 });
    expect(() => split(partitioner, 100)).toThrow(
      expect.objectContaining({ code: "partition/empty-client", message: expect.stringContaining("equal-size") }),
    );
  });
});

describe("shards", () => {
  it("gives exactly the classes asked for where shards fit into classes", () => {
    // 20 clients * 2 shards of 50 examples; a class of 200 is four shards.
    const partition = split(createPartitioner("shards", { classesPerClient: 2 }), 20);
    for (const rows of partition.clients) {
      expect(rows.length).toBe(100);
      expect(new Set(Array.from(rows, (row) => LABELS[row])).size).toBeLessThanOrEqual(2);
    }
  });
});

describe("quantity-skew", () => {
  it("serves every client even at alpha 0.01, and is uneven", () => {
    const sizes = split(createPartitioner("quantity-skew", { alpha: 0.01 }), 50).clients.map((rows) => rows.length);
    expect(Math.min(...sizes)).toBe(1);
    expect(Math.max(...sizes)).toBeGreaterThan(400);
  });
});

describe("natural", () => {
  const owners = (rows: Int32Array) => new Set(Array.from(rows, (row) => GROUPS[row]));

  it("makes a client of each group when the number is 0", () => {
    const partition = split(createPartitioner("natural"), 0);
    expect(partition.clients.length).toBe(40);
    expect(partition.clients.every((rows, client) => owners(rows).has(client) && owners(rows).size === 1)).toBe(true);
  });

  it("selects whole groups, or merges whole groups evenly", () => {
    const selected = split(createPartitioner("natural"), 15);
    expect(new Set(selected.clients.flatMap((rows) => [...owners(rows)])).size).toBe(15);
    const merged = split(createPartitioner("natural", { merge: true }), 10);
    expect(merged.clients.every((rows) => rows.length === 200 && owners(rows).size === 4)).toBe(true);
  });

  it("leaves out small groups", () => {
    const groups = Int32Array.from(LABELS, (_, i) => (i < 10 ? 7 : 9));
    const partitioner = createPartitioner("natural", { minimumSize: 11 });
    const partition = partitioner.partition(LABELS, { ...context(0), groups });
    expect(partition.clients.map((rows) => rows.length)).toEqual([1990]);
  });

  it("says what is wrong", () => {
    const partitioner = createPartitioner("natural");
    expect(() => split(partitioner, 41)).toThrow(expect.objectContaining({ code: "partition/too-many-clients" }));
    const { groups: _, ...without } = context(4);
    expect(() => partitioner.partition(LABELS, without)).toThrow(
      expect.objectContaining({ code: "partition/no-groups" }),
    );
    const heavy = createPartitioner("natural", { merge: true, minimumSize: 300 });
    expect(() => split(heavy, 10)).toThrow(expect.objectContaining({ code: "partition/empty-client" }));
  });
});

describe("long-tail", () => {
  it("keeps the class sizes of long-tailed CIFAR-10 at imbalance 0.02", () => {
    const labels = Uint8Array.from({ length: 50_000 }, (_, i) => i % 10);
    const partition = createPartitioner("long-tail", { imbalance: 0.02 }).partition(labels, context(1));
    const { counts, unused } = partitionStatistics(partition, labels, 10);
    expect(counts[0]).toEqual([5000, 3237, 2096, 1357, 878, 568, 368, 238, 154, 100]);
    expect(unused).toBe(50_000 - 13_996);
  });

  it("keeps them under Dirichlet shares, where every example is used once", () => {
    const labels = Uint8Array.from({ length: 5000 }, (_, i) => i % 10);
    const sizes = (recipe: string) => {
      const scheme = createPartitioner("long-tail", { imbalance: 0.02, alpha: 1, recipe });
      const { counts } = partitionStatistics(scheme.partition(labels, context(5)), labels, 10);
      return counts.reduce((sum, client) => sum.map((count, label) => count + client[label]!));
    };
    expect(sizes("disjoint")).toEqual([500, 323, 209, 135, 87, 56, 36, 23, 15, 10]);
    expect(sizes("equal-size")[9]).toBeGreaterThan(20);
  });
});

describe("createPartitioner", () => {
  it("refuses unknown names, options and values", () => {
    expect(() => createPartitioner("dirichelt")).toThrow(expect.objectContaining({ code: "partition/unknown" }));
    expect(() => createPartitioner("toString")).toThrow(expect.objectContaining({ code: "partition/unknown" }));
    expect(() => createPartitioner("iid", { alpha: 1 })).toThrow(
      expect.objectContaining({ code: "partition/options" }),
    );
    expect(() => createPartitioner("dirichlet", { alpha: 0 })).toThrow(
      expect.objectContaining({ code: "partition/options", message: expect.stringContaining("alpha") }),
    );
    expect(() => createPartitioner("long-tail", { imbalance: 50 })).toThrow(
      expect.objectContaining({ message: expect.stringContaining("imbalance") }),
    );
  });
});
