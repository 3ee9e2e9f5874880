import { constant, gradients, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import {
  adaptiveMargin,
  alignedObjective,
  centroidPosterior,
  classWeights,
  curvatureOf,
  domainLoss,
  maskRegularisers,
  normalisedAdjacency,
  openWorldTerms,
  partnersOf,
  prunedMask,
  suppressedLoss,
} from "./index.ts";
import { entropy, labels, list, matrix, meanOf, softmaxOf, value } from "./testing/traced-values.ts";

const logits = [
  [0.5, -1, 2],
  [1, 1.5, -0.5],
];

describe("Hessian alignment", () => {
  const phi = matrix([
    [0.2, -0.5],
    [1, 0.3],
  ]);
  const one = {
    features: matrix([
      [1, 2],
      [0.5, -1],
    ]),
    labels: labels([0, 1]),
  };
  const other = {
    features: matrix([
      [-1, 0.3],
      [2, 2],
    ]),
    labels: labels([1, 1]),
  };
  const settings = { alpha: 0.4, beta: 0.7 };

  it("has H g of finite differences of the gradient", () => {
    const at = list(phi);
    const curvatureAt = (head: Tensor) => curvatureOf(domainLoss(head, one), { phi: head }, "hgp");
    const { gradient, second } = curvatureAt(phi);
    const g = list(gradient.phi);
    const near = (step: number) => {
      const moved = at.map((x, j) => x + step * g[j]!);
      return list(curvatureAt(constant(moved, [2, 2])).gradient.phi);
    };
    const [up, down] = [near(1e-5), near(-1e-5)];
    for (const [j, h] of list(second.phi).entries()) expect(h).toBeCloseTo((up[j]! - down[j]!) / 2e-5, 7);
  });

  it("costs nothing where domains agree, or where there is one", () => {
    const alone = value(alignedObjective(phi, [one], "hgp", { alpha: 0, beta: 0 }));
    expect(value(alignedObjective(phi, [one], "hgp", settings))).toBeCloseTo(alone, 12);
    expect(value(alignedObjective(phi, [one, one], "hgp", settings))).toBeCloseTo(alone, 12);
    expect(value(alignedObjective(phi, [one, other], "hgp", settings))).toBeGreaterThan(
      value(alignedObjective(phi, [one, other], "hgp", { alpha: 0, beta: 0 })),
    );
  });

  it("estimates a diagonal with one probe where the Hessian has no other entries", () => {
    const flat = { features: matrix([[1, 0]]), labels: labels([0]) };
    const probe = matrix([
      [1, 1],
      [1, 1],
    ]);
    const both = list(curvatureOf(domainLoss(phi, flat), { phi }, [{ phi: probe }]).second.phi);
    // the rows of a softmax Hessian cancel: H 1 = 0
    for (const h of both) expect(h).toBeCloseTo(0, 12);
  });
});

describe("FedoSSL", () => {
  const b = [
    [0, 1, -1],
    [1, 1, 0],
    [0.2, 0.1, 0],
  ];
  const a = [...logits, [0.1, 0.4, -2]];
  const partners = [0, 2, 1];
  const batch = {
    views: [matrix(a), matrix(b)],
    labels: labels([2, 3, 9]),
    partners: labels(partners),
    counts: constant([1, 1, 1], [3]),
  } as const;

  it("raises the true logit of labelled rows, and of no other", () => {
    const { supervised } = openWorldTerms(batch, constant(3));
    expect(value(supervised)).toBeCloseTo(entropy([[0.5, -1, 5]], [2]), 12);
    expect(value(adaptiveMargin(constant(0.9), 10))).toBe(5);
  });

  it("pulls partners together and spreads the mean output", () => {
    const { pairwise, entropy: spread } = openWorldTerms(batch, constant(0));
    const [p, q] = [a.map((row) => softmaxOf(row)), b.map((row) => softmaxOf(row))];
    const terms = p.map((row, i) => -Math.log(row.reduce((sum, x, c) => sum + x * q[partners[i]!]![c]!, 0)));
    const middle = [0, 1, 2].map((c) => meanOf(p.map((row) => row[c]!)));
    expect(value(pairwise)).toBeCloseTo(meanOf(terms), 12);
    expect(value(spread)).toBeCloseTo(
      middle.reduce((sum, x) => sum + x * Math.log(x), 0),
      12,
    );
  });

  it("finds the nearest other row of unlabelled rows", () => {
    const features = matrix([
      [1, 0],
      [0, 1],
      [2, 0.1],
      [0, 5],
    ]);
    const of = (given: number[], counts: number[]) =>
      list(partnersOf(features, labels(given), 2, constant(counts, [4])));
    expect(of([9, 9, 9, 9], [1, 1, 1, 1])).toEqual([2, 3, 0, 1]);
    // the nearest row is padding
    expect(of([9, 9, 9, 9], [1, 1, 0, 1])[0]).toBe(1);
  });

  it("pairs labelled rows with the next of their class, and with themselves where there is no other", () => {
    const features = matrix([[1], [1], [1], [1]]);
    const of = (given: number[], counts: number[]) =>
      list(partnersOf(features, labels(given), 2, constant(counts, [4])));
    expect(of([0, 1, 0, 0], [1, 1, 1, 1])).toEqual([2, 1, 3, 0]);
    expect(of([0, 1, 0, 0], [1, 1, 1, 0])).toEqual([2, 1, 0, 0]);
  });

  it("weighs the commonest class by 1 and rare ones down to beta", () => {
    const weights = list(classWeights(constant([10, 0, 5], [3]), 0.25));
    for (const [c, weight] of [1, 0.25, 0.5].entries()) expect(weights[c]).toBeCloseTo(weight, 12);
    expect(list(classWeights(constant([0, 0], [2]), 0.25))).toEqual([1, 1]);
    const rows = [softmaxOf(a[1]!), softmaxOf(a[2]!)];
    const expected = meanOf(rows.map((p) => (0.5 * (1 - Math.max(...p))) / 3));
    expect(value(suppressedLoss(matrix(a), constant([0, 1, 1], [3]), constant([1, 0.5, 1], [3])))).toBeCloseTo(
      expected,
      12,
    );
  });

  it("has posteriors by cosine", () => {
    const [row] = [
      list(
        centroidPosterior(
          matrix([[3, 0]]),
          matrix([
            [1, 0],
            [0, 2],
          ]),
          0.5,
        ),
      ),
    ];
    expect(row).toEqual(softmaxOf([2, 0]).map((p) => expect.closeTo(p, 12)));
  });
});

describe("FED-PUB's client", () => {
  const parameters = {
    W1: matrix([[1, 2]]),
    b1: constant([0.5], [1]),
    W2: matrix([[2]]),
    b2: constant([0], [1]),
    Wc: matrix([[1], [-1]]),
    bc: constant([0, 1], [2]),
  };
  const masks = { W1: matrix([[1, 0.5]]), W2: matrix([[1]]), Wc: matrix([[2], [1]]) };

  it("normalises the adjacency with loops", () => {
    const path = normalisedAdjacency([
      [0, 1, 0],
      [1, 0, 1],
      [0, 1, 0],
    ]);
    expect(path[0]).toBeCloseTo(1 / 2, 12);
    expect(path[1]).toBeCloseTo(1 / Math.sqrt(6), 12);
    expect(path[2]).toBe(0);
  });

  it("has regularisers with gradients", () => {
    const received = { ...parameters, b1: constant([0], [1]) };
    const cost = maskRegularisers(parameters, masks, received, { sparsity: 0.1, pull: 2 });
    expect(value(cost)).toBeCloseTo(0.1 * (1 + 0.5 + 1 + 2 + 1) + 2 * 0.25, 12);
    expect(list(gradients(cost, { mask: masks.W1 }).mask)).toEqual([0.1, 0.1]);
    expect(list(gradients(cost, { bias: parameters.b1 }).bias)).toEqual([2]);
  });

  it("prunes entries below the threshold", () => {
    expect(Array.from(prunedMask(Float64Array.of(0.1, -0.1, 0.3), 0.2))).toEqual([0, 0, 0.3]);
  });
});
