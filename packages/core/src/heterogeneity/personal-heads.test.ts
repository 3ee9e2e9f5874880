import { constant, evaluate, gradients, mul, qr, square, sum, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import {
  classifierObjective,
  classPrototypes,
  detachedHeadLosses,
  generatedTensors,
  generatorPhase,
  headPhase,
  pulledBack,
  realignedLogits,
  realignedWeight,
  simplexFrame,
  staticClassifier,
  trainedHeader,
} from "./index.ts";
import { list, matrix, softmaxOf, value } from "./testing/traced-values.ts";

const row = (values: readonly number[]) => constant(values, [values.length]);
const close = (values: readonly number[]) => values.map((x) => expect.closeTo(x, 11));

describe("FedGH", () => {
  const features = [
    [1, 2],
    [3, -4],
    [0.5, 0.5],
    [2, 2],
  ];

  it("takes means over all examples of a class, classes in order, small ones left out", () => {
    expect(classPrototypes(features, [2, 0, 2, 2], 1)).toEqual([
      { label: 0, count: 1, mean: [3, -4] },
      { label: 2, count: 3, mean: [3.5 / 3, 1.5] },
    ]);
    expect(classPrototypes(features, [2, 0, 2, 2], 2).map(({ label }) => label)).toEqual([2]);
    expect(classPrototypes(features, [2, 0, 2, 2], 4)).toEqual([]);
  });

  const clients = [classPrototypes(features, [2, 0, 2, 1]), [], classPrototypes([[0, 3]], [1])];
  const W = [
    [0.5, -1],
    [0, 2],
    [1, 0.25],
  ];
  const b = [0.1, 0, -0.3];
  const head = { weight: Float64Array.from(W.flat()), bias: Float64Array.from(b) };

  it.each([undefined, 0.4])("takes a step for each prototype, with clip %s", (clip) => {
    const [w, c] = [W.map((r) => [...r]), [...b]];
    for (const { label, mean } of [...clients.flat(), ...clients.flat()]) {
      const p = softmaxOf(w.map((r, k) => r[0]! * mean[0]! + r[1]! * mean[1]! + c[k]!));
      const slope = p.map((x, k) => x - (k === label ? 1 : 0));
      const length = Math.sqrt(slope.reduce((s, g) => s + g * g * (1 + mean[0]! ** 2 + mean[1]! ** 2), 0));
      const factor = 0.3 * (clip === undefined ? 1 : Math.min(1, clip / length));
      for (const [k, g] of slope.entries()) {
        c[k]! -= factor * g;
        for (const j of [0, 1]) w[k]![j]! -= factor * g * mean[j]!;
      }
    }
    const settings = { learningRate: 0.3, passes: 2, ...(clip === undefined ? {} : { clip }) };
    const trained = trainedHeader(head, 3, clients, settings);
    expect(Array.from(trained.weight)).toEqual(close(w.flat()));
    expect(Array.from(trained.bias!)).toEqual(close(c));
  });

  it("leaves the head alone with rate 0 or without prototypes", () => {
    expect(Array.from(trainedHeader(head, 3, clients, { learningRate: 0 }).weight)).toEqual(W.flat());
    expect(Array.from(trainedHeader(head, 3, [[], []], { learningRate: 1 }).weight)).toEqual(W.flat());
  });

  it("refuses prototypes that the head has no place for", () => {
    for (const wrong of [
      { label: 3, count: 1, mean: [1, 2] },
      { label: 0, count: 1, mean: [1, 2, 3] },
    ]) {
      expect(() => trainedHeader(head, 3, [[wrong]], { learningRate: 1 })).toThrow(
        expect.objectContaining({ code: "method/prototype" }),
      );
    }
  });
});

describe("FedLoGe's classifier", () => {
  const [q, classes] = [6, 4];
  const basis = qr(
    Array.from({ length: q * classes }, (_, k) => Math.sin(3 * k * k + 1)),
    q,
    classes,
  ).q;
  const frame = simplexFrame(constant(basis, [q, classes]));
  const support = Array.from({ length: q * classes }, (_, k) => (k % 3 === 1 ? 0 : 1));
  const mask = constant(support, [q, classes]);

  function objective(entries: readonly number[], radius: number): number {
    const columns = Array.from({ length: classes }, (_, c) =>
      Array.from({ length: q }, (_entry, i) => entries[i * classes + c]! * support[i * classes + c]!),
    );
    const inner = (x: number[], y: number[]) => x.reduce((s, entry, i) => s + entry * y[i]!, 0);
    const lengths = columns.map((column) => Math.sqrt(inner(column, column)));
    const angles = columns.map((column, c) => {
      const cosines = columns.flatMap((other, d) =>
        c === d ? [] : [inner(column, other) / (lengths[c]! * lengths[d]!)],
      );
      return Math.acos(Math.max(...cosines));
    });
    return lengths.reduce((s, x) => s + (x - radius) ** 2, 0) - angles.reduce((s, x) => s + x, 0) / classes;
  }

  it("starts from columns of length 1 with equal angles", () => {
    const columns = list(frame);
    for (let c = 0; c < classes; c++) {
      for (let d = 0; d < classes; d++) {
        const inner = Array.from({ length: q }, (_, i) => columns[i * classes + c]! * columns[i * classes + d]!);
        expect(inner.reduce((s, x) => s + x, 0)).toBeCloseTo(c === d ? 1 : -1 / 3, 12);
      }
    }
  });

  it("has the objective of plain loops, and its slope at entries of the support alone", () => {
    const loss = classifierObjective(frame, mask, 0.4);
    expect(value(loss)).toBeCloseTo(objective(list(frame), 0.4), 12);
    const slopes = list(gradients(loss, { frame }).frame);
    for (const [k, slope] of slopes.entries()) {
      const at = (h: number) =>
        objective(
          list(frame).map((x, i) => (i === k ? x + h : x)),
          0.4,
        );
      expect(slope).toBeCloseTo((at(1e-6) - at(-1e-6)) / 2e-6, 6);
      if (support[k] === 0) expect(Math.abs(slope)).toBe(0);
    }
  });

  it("stays finite where columns have no entries, or the same one", () => {
    const thin = constant([1, 1, 0, 1, 0, 0], [2, 3]);
    const V = constant([1, 2, 3, 0, 5, 6], [2, 3]);
    const loss = classifierObjective(V, thin, 1);
    expect(value(loss)).toBeCloseTo(0 + 1 + 1 - Math.PI / 2 / 3, 12);
    expect(list(gradients(loss, { V }).V).every(Number.isFinite)).toBe(true);
  });

  it("lowers the objective and leaves entries outside the support at 0", () => {
    const fit = { radius: 0.4, steps: 60, learningRate: 0.02 };
    const fitted = list(staticClassifier(frame, mask, fit));
    expect(objective(fitted, 0.4)).toBeLessThan(objective(list(frame), 0.4) - 0.5);
    expect(fitted.every((x, k) => (x !== 0) === (support[k] === 1))).toBe(true);
  });
});

describe("FedLoGe's heads", () => {
  const features = matrix([
    [0.3, -0.7],
    [1, 2],
  ]);
  const labels = constant([1, 0], [2], "int32");
  const head = (seed: number) => {
    const at = (k: number) => Math.sin(seed + k);
    return { weight: constant([at(0), at(1), at(2), at(3)], [2, 2]), bias: row([at(4), at(5)]) };
  };
  const heads = { fixed: head(1), shared: head(2), own: head(3) };

  it("teaches features by the fixed classifier alone, and heads by themselves", () => {
    const losses = detachedHeadLosses(features, labels, heads);
    const touched = Object.entries(losses).map(([name, loss]) => {
      const variables = { fixed: heads.fixed.weight, features, shared: heads.shared.weight, own: heads.own.weight };
      const moved = Object.entries(gradients(loss, variables)).filter(([, slope]) => list(slope).some((g) => g !== 0));
      return [name, moved.map(([which]) => which)];
    });
    expect(touched).toEqual([
      ["features", ["features"]],
      ["shared", ["shared"]],
      ["own", ["own"]],
    ]);
  });

  it("makes rows equally long, and leaves zeros", () => {
    const rows = matrix([
      [0.3, 0.4],
      [0, 0],
      [-20, 0],
    ]);
    expect(list(realignedWeight(rows, 1.7))).toEqual(close([1.02, 1.36, 0, 0, -1.7, 0]));
  });

  it("adds the shared head, scaled by the own rows, and rules out classes without training examples", () => {
    const own = {
      weight: matrix([
        [3, 4],
        [0, 0],
        [1, 0],
      ]),
      bias: row([1, 2, 3]),
    };
    const shared = {
      weight: matrix([
        [1, 0],
        [7, 7],
        [0, -1],
      ]),
      bias: row([0.5, 0.25, 0]),
    };
    const logits = list(realignedLogits(features, own, shared, [4, 1, 0]));
    expect(logits).toEqual([
      ...close([0.9 - 2.8 + 1 + 5 * 0.3 + 0.5, 2.25]),
      Number.NEGATIVE_INFINITY,
      ...close([11 + 1 + 5 + 0.5, 2.25]),
      Number.NEGATIVE_INFINITY,
    ]);
  });
});

describe("HyperFL", () => {
  const shapes = { w: [1] };
  const clientOf = (A: number, a: number, B: number, c: number, v: number, phi: number) => ({
    network: {
      hidden: { weight: matrix([[A]]), bias: row([a]) },
      maps: { w: { weight: matrix([[B]]), bias: row([c]) } },
    },
    embedding: row([v]),
    head: { phi: row([phi]) },
  });
  const client = clientOf(1, 0.5, 2, 1, 3, 0.7);
  const settings = { learningRate: 0.01, momentum: 0.5, weightDecay: 0.3 };
  const loss = (features: Readonly<Record<string, Tensor>>, head: Readonly<Record<string, Tensor>>) =>
    sum(mul(0.5, square(mul(features["w"]!, head["phi"]!))));

  it("generates tensors row by row", () => {
    const network = {
      hidden: {
        weight: matrix([
          [1, 2],
          [-1, 0],
        ]),
        bias: row([0.5, 0]),
      },
      maps: {
        w: {
          weight: matrix([
            [1, 5],
            [2, 5],
            [3, 5],
            [4, 5],
          ]),
          bias: row([0, 0, 0, 1]),
        },
      },
    };
    // relu(1 + 2 + 0.5, -1) = (3.5, 0)
    const { w } = generatedTensors(network, row([1, 1]), { w: [2, 2] });
    expect(evaluate(w!).shape).toEqual([2, 2]);
    expect(list(w!)).toEqual([3.5, 7, 10.5, 15]);
  });

  it("steps on the head first, with decay and momentum, and on nothing else", () => {
    let [phi, buffer] = [0.7, 0];
    for (let step = 0; step < 3; step++) {
      buffer = 0.5 * buffer + (64 * phi + 0.3 * phi);
      phi -= 0.01 * buffer;
    }
    const adapted = headPhase(client, shapes, [loss, loss, loss], settings);
    expect(list(adapted.head["phi"]!)).toEqual(close([phi]));
    expect(adapted.network).toBe(client.network);
    expect(adapted.embedding).toBe(client.embedding);
  });

  it.each([undefined, 0.8])("generates the extractor anew in each step, clip %s before decay", (clip) => {
    let p = [1, 0.5, 2, 1, 3];
    let buffer = [0, 0, 0, 0, 0];
    for (let step = 0; step < 3; step++) {
      const [A, a, B, c, v] = p as [number, number, number, number, number];
      const hidden = A * v + a;
      const g = (B * hidden + c) * 0.7 ** 2;
      const slopes = [g * B * v, g * B, g * hidden, g, g * B * A];
      const cut = (norm: number) => (clip === undefined ? 1 : Math.min(1, clip / norm));
      const [network, embedding] = [cut(Math.hypot(...slopes.slice(0, 4))), cut(Math.abs(slopes[4]!))];
      buffer = buffer.map((x, k) => 0.5 * x + slopes[k]! * (k < 4 ? network : embedding) + 0.3 * p[k]!);
      p = p.map((x, k) => x - 0.001 * buffer[k]!);
    }
    const rates = { ...settings, learningRate: 0.001, ...(clip === undefined ? {} : { clip }) };
    const { network, embedding, head } = generatorPhase(client, shapes, [loss, loss, loss], rates);
    const { hidden, maps } = network;
    const got = [hidden.weight, hidden.bias, maps["w"]!.weight, maps["w"]!.bias, embedding].flatMap(list);
    expect(got).toEqual(close(p));
    expect(head).toBe(client.head);
  });

  it("pulls gradients back as they are, and gives nothing through an idle unit", () => {
    const { network, embedding } = pulledBack(client, shapes, loss);
    const g = (2 * 3.5 + 1) * 0.49;
    expect([network.hidden.weight, embedding].flatMap(list)).toEqual(close([g * 6, g * 2]));
    const idle = pulledBack(clientOf(1, -9, 2, 1, 3, 0.7), shapes, loss);
    expect([idle.network.hidden.weight, idle.embedding].flatMap(list)).toEqual([0, 0]);
  });
});
