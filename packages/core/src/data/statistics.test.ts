import { describe, expect, it } from "vitest";
import { partitionStatistics } from "./statistics.ts";

describe("partitionStatistics", () => {
  it("matches a partition worked by hand", () => {
    // Labels 0 0 1 1 2 2; global shares 1/3 each.
    const labels = Uint8Array.from([0, 0, 1, 1, 2, 2]);
    const partition = { clients: [Int32Array.from([0, 1]), Int32Array.from([0, 2, 4, 4]), new Int32Array(0)] };
    const statistics = partitionStatistics(partition, labels, 3);
    expect(statistics.counts).toEqual([
      [2, 0, 0],
      [1, 1, 2],
      [0, 0, 0],
    ]);
    expect(statistics).toMatchObject({ sizeMin: 0, sizeMedian: 2, sizeMax: 4, unused: 2, duplicated: 2 });
    // Client 0: (2/3 + 1/3 + 1/3) / 2 = 2/3. Client 1: (1/12 + 1/12 + 1/6) / 2 = 1/6. The empty client is not counted.
    expect(statistics.meanLabelDistance).toBeCloseTo((2 / 3 + 1 / 6) / 2, 12);
    // exp of the entropy of (1/4, 1/4, 1/2) = 4^(1/2) * 2^(1/2).
    expect(statistics.effectiveClasses[0]).toBe(1);
    expect(statistics.effectiveClasses[1]).toBeCloseTo(Math.sqrt(8), 12);
    expect(statistics.effectiveClasses[2]).toBe(0);
  });

  it("takes the mean of the middle two of an even number of sizes", () => {
    const labels = new Uint8Array(10);
    const clients = [1, 2, 3, 4].map((size) => new Int32Array(size));
    expect(partitionStatistics({ clients }, labels, 1).sizeMedian).toBe(2.5);
  });
});
