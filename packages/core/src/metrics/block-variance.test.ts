import { describe, expect, it } from "vitest";
import { layout } from "../params/layout.ts";
import { BlockVarianceMeter } from "./block-variance.ts";

const model = layout([
  { name: "attention.query", shape: [2, 4], role: "matrix", block: "attention.query", heads: 2 },
  { name: "dense.bias", shape: [3], role: "vector", block: "dense" },
  { name: "dense.weight", shape: [2, 3], role: "matrix", block: "dense" },
  { name: "words", shape: [2, 2], role: "embedding", block: "words" },
]);

/** Coordinates of each block, by hand: rows of query are [0..4) and [4..8), its heads are columns 0, 1 and 2, 3. */
const blocks = {
  tensor: [range(0, 8), range(8, 11), range(11, 17), range(17, 21)],
  paper: [[0, 1, 4, 5], [2, 3, 6, 7], range(8, 11), range(11, 17), range(17, 21)],
  "adam-mini": [[0, 1, 4, 5], [2, 3, 6, 7], [8], [9], [10], [11, 14], [12, 15], [13, 16], [17, 18], [19, 20]],
  coordinate: range(0, 21).map((i) => [i]),
};

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

describe("the relative variance of preconditioners", () => {
  const clients = [0, 1, 2].map((client) =>
    Float64Array.from({ length: model.size }, (_, i) => 1 + ((7 * i + 5 * client * (i + 1)) % 11)),
  );
  const mean = Float64Array.from({ length: model.size }, (_, i) => clients.reduce((sum, v) => sum + v[i]! / 3, 0));
  const meter = new BlockVarianceMeter(model);
  for (const client of clients) meter.add([client]);
  const measured = meter.of(mean);

  it.each(Object.entries(blocks))("is what plain loops give for blocks of %s", (strategy, indices) => {
    const expanded = (v: Float64Array) => {
      const out = new Float64Array(v.length);
      for (const block of indices) {
        const middle = block.reduce((sum, i) => sum + v[i]! / block.length, 0);
        for (const i of block) out[i] = middle;
      }
      return out;
    };
    const centre = expanded(mean);
    let [apart, size] = [0, 0];
    for (const client of clients) {
      const own = expanded(client);
      for (let i = 0; i < own.length; i++) apart += (own[i]! - centre[i]!) ** 2 / 3;
    }
    for (const value of centre) size += value * value;
    expect(measured[strategy as keyof typeof blocks]).toBeCloseTo(apart / size, 12);
  });

  it("forgets the last round", () => {
    meter.reset();
    meter.add([clients[0]!, clients[0]!]);
    for (const variance of Object.values(meter.of(clients[0]!))) expect(variance).toBeCloseTo(0, 12);
  });
});
