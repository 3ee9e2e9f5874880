import { abs, constant, evaluate, gradients, mul, sum, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import {
  averageSubModels,
  biasFreeNetwork,
  compressedWeight,
  dilatedWeight,
  explorationMask,
  heldEntries,
  heldUnits,
  keptEntries,
  leakyScale,
  maskedMomentumStep,
  quantile,
  scoreGradient,
  shrunkShape,
  signBytes,
  signedWeights,
  signVote,
  structuredMask,
  synapticFlow,
  weightedWeights,
} from "./index.ts";

const matrix = (rows: readonly (readonly number[])[]) => constant(rows.flat(), [rows.length, rows[0]!.length]);
const list = (tensor: Tensor) => Array.from(evaluate(tensor).data);

describe("slices of a model", () => {
  it("have the leading units, at least one, or a window that rolls on", () => {
    expect(heldUnits(10, 0.3)).toEqual([0, 1, 2]);
    expect(heldUnits(10, 0.31)).toEqual([0, 1, 2, 3]);
    expect(heldUnits(3, 0.01)).toEqual([0]);
    expect(heldUnits(4, 0.75, 2)).toEqual([2, 3, 0]);
  });

  it("cut the axes of hidden units alone", () => {
    expect(heldEntries({ shape: [4, 3], axes: [0] }, 0.5)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(heldEntries({ shape: [2, 4], axes: [1] }, 0.5)).toEqual([0, 1, 4, 5]);
    expect(heldEntries({ shape: [2, 2], axes: [0, 1] }, 0.5, 1)).toEqual([3]);
    expect(heldEntries({ shape: [3], axes: [] }, 0.5)).toEqual([0, 1, 2]);
  });

  it("are averaged over those who have a coordinate", () => {
    const parts = [
      { places: [0, 1], values: [2, 4] },
      { places: [1], values: [10] },
    ];
    expect(Array.from(averageSubModels(Float64Array.of(1, 1, 1), parts))).toEqual([2, 7, 1]);
    expect(Array.from(averageSubModels(Float64Array.of(5), []))).toEqual([5]);
  });

  it("cover every coordinate over the rounds of a rolling window", () => {
    const seen = [0, 1, 2, 3].flatMap((start) => heldEntries({ shape: [4, 2], axes: [0] }, 0.25, start));
    expect(seen.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe("AutoFLIP's masks", () => {
  it("have quantiles between two values", () => {
    expect(quantile([4, 1, 3], 0.75)).toBe(3.5);
    expect(quantile([4, 1, 3], 1)).toBe(4);
    expect(quantile([7], 0.3)).toBe(7);
  });

  it("keep what is above the quantile, and everything with nothing to prune", () => {
    expect(Array.from(explorationMask([0, 0.2, 0.4, 1], 0.5).mask)).toEqual([0, 0, 1, 1]);
    expect(Array.from(explorationMask([0, 0, 0], 0).mask)).toEqual([1, 1, 1]);
  });

  it("drop units with their biases and the columns after them, but not outputs", () => {
    const masks = [
      {
        weight: [
          [0, 0, 1],
          [1, 1, 1],
        ],
        bias: [1, 1],
      },
      {
        weight: [
          [1, 1],
          [0, 0],
        ],
        bias: [1, 1],
      },
    ];
    const { dropped, layers } = structuredMask(masks, 2 / 3);
    expect(dropped).toEqual([[0]]);
    expect(layers).toEqual([
      {
        weight: [
          [0, 0, 0],
          [1, 1, 1],
        ],
        bias: [0, 1],
      },
      {
        weight: [
          [0, 1],
          [0, 0],
        ],
        bias: [1, 1],
      },
    ]);
    expect(structuredMask(masks, 0.7).dropped).toEqual([[]]);
  });

  it("step with momentum and leave pruned entries at 0", () => {
    const settings = { change: [2, 2], mask: [1, 0], momentum: 0.5 };
    const next = maskedMomentumStep([1, 1], [2, 2], settings);
    expect(Array.from(next.velocity)).toEqual([2, 2]);
    expect(Array.from(next.parameters)).toEqual([3, 0]);
  });
});

describe("HideNseek", () => {
  const layers = [
    matrix([
      [1, -2],
      [0.5, 3],
    ]),
    matrix([[-1, 2]]),
  ];

  it("has saliencies by hand, of equal sum in every layer", () => {
    const [first, second] = synapticFlow(layers.map((weight) => abs(weight))).map(list);
    expect(first).toEqual([1, 2, 1, 6]);
    expect(second).toEqual([3, 7]);
    expect(first!.reduce((a, b) => a + b, 0)).toBe(second!.reduce((a, b) => a + b, 0));
  });

  it("keeps a share, of equal ones the first", () => {
    expect(Array.from(keptEntries([1, 5, 1, 1], 0.5))).toEqual([1, 1, 0, 0]);
    expect(Array.from(keptEntries([1, 2, 3], 0.3))).toEqual([0, 0, 0]);
  });

  it("changes signs and never sizes; a score of 0 is positive", () => {
    const weights = signedWeights(constant([2, -3, 4], [3]), constant([1, 1, 0], [3]), constant([0, -1, 5], [3]));
    expect(list(weights)).toEqual([2, 3, 0]);
  });

  it("passes gradients by the sign", () => {
    const gradient = scoreGradient(constant([1, 2, 3], [3]), constant([2, -3, 4], [3]), constant([1, 1, 0], [3]));
    expect(list(gradient)).toEqual([2, -6, 0]);
  });

  it("votes in [-1, 1], unanimously where clients agree, one bit a weight", () => {
    expect(
      Array.from(
        signVote(
          [
            [1, -2, 0],
            [3, 1, 0],
          ],
          [0.25, 0.75],
          [1, 1, 1],
        ),
      ),
    ).toEqual([1, 0.5, 1]);
    expect(Array.from(signVote([[-1], [-1]], [0.5, 0.5], [0]))).toEqual([0]);
    expect(signBytes([1, 1, 0, 1, 1, 1, 1, 1, 1, 1])).toBe(2);
  });

  it("has a network without biases", () => {
    expect(list(biasFreeNetwork(layers, matrix([[1, 1]])))).toEqual([2 * 3.5]);
  });
});

describe("FedConv's maps", () => {
  const weight = (rows: readonly (readonly number[])[]) => constant(rows.flat(), [rows.length, rows[0]!.length, 1, 1]);
  const scalar = (x: number) => constant(x);

  it("scale as leaks", () => {
    expect(list(leakyScale(constant([2, -2, 0], [3])))).toEqual([1.7, -0.002, 0]);
  });

  it("leave a weight as it is with a filter of one entry, but for the scale", () => {
    const unit = { filter: matrix([[5]]), gain: scalar(1) };
    const w = weight([
      [1, -1],
      [2, 3],
    ]);
    expect(list(compressedWeight(w, unit, scalar(0)))).toEqual(list(leakyScale(w)));
    expect(list(compressedWeight(w, unit, scalar(0), false)).every((x) => Math.abs(x) === 0)).toBe(true);
  });

  it("correlate without padding, as plain loops do", () => {
    const [w, v] = [
      [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ],
      [
        [1, 2],
        [3, 1],
      ],
    ];
    const norm = Math.sqrt(15);
    const expected = [0, 1].flatMap((i) =>
      [0, 1].map((j) => {
        let total = 0;
        for (const a of [0, 1]) for (const b of [0, 1]) total += (v[a]![b]! * w[i + a]![j + b]! * 1.5 * 2) / norm;
        return 0.85 * total;
      }),
    );
    const map = { filter: matrix(v), gain: scalar(2) };
    const small = compressedWeight(weight(w), map, scalar(0.5));
    expect(list(small)).toEqual(expected.map((x) => expect.closeTo(x, 9)));
    expect(dilatedWeight(small, map).shape).toEqual([3, 3, 1, 1]);
  });

  it("go back by the transpose: <compressed x, y> = <x, dilated y> before the scale", () => {
    const [x, y] = [
      weight([
        [1, 2, 1],
        [3, 1, 2],
      ]),
      weight([[2, 1]]),
    ];
    const map = {
      filter: matrix([
        [1, 2],
        [0.5, 1],
      ]),
      gain: scalar(1),
    };
    const there = list(sum(mul(compressedWeight(x, map, scalar(0)), y)))[0]!;
    const back = list(sum(mul(x, dilatedWeight(y, map))))[0]!;
    expect(there).toBeCloseTo(back, 12);
  });

  it("shrink shapes by the floor and learn filters through the norm", () => {
    expect(shrunkShape([10, 7, 5, 5], 0.3)).toEqual([3, 2, 5, 5]);
    const filter = matrix([[1, 2]]);
    const small = compressedWeight(weight([[1, 2]]), { filter, gain: scalar(1) }, scalar(0));
    // the gradient is orthogonal to a filter whose norm does not matter
    const [a, b] = list(gradients(sum(small), { filter }).filter);
    expect(a! + 2 * b!).toBeCloseTo(0, 12);
  });

  it("weigh models by examples and learned factors", () => {
    const [a, b] = [constant([1], [1]), constant([3], [1])];
    expect(list(weightedWeights([a, b], [constant([2], [1]), constant([1], [1])], [0.25, 0.75]))).toEqual([2.75]);
  });
});
