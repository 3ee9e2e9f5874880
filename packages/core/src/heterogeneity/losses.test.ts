import { constant, gradients, mul, sub, type Tensor } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import {
  activeStages,
  augmentationLosses,
  augmentationRamp,
  contrastiveLoss,
  distributionMatching,
  gradientMatching,
  lossWithMargin,
  refreshes,
  stageDistillationLoss,
  stageSoftLabels,
  trainedStageHead,
  updatedClassMeans,
} from "./index.ts";
import { distillation } from "./losses.ts";
import { entropy, labels, list, matrix, meanOf, softmaxOf, value } from "./testing/traced-values.ts";

const kl = (p: readonly number[], q: readonly number[]) =>
  p.reduce((sum, x, c) => sum + (x === 0 ? 0 : x * Math.log(x / q[c]!)), 0);

const logits = [
  [0.5, -1, 2],
  [1, 1.5, -0.5],
];

describe("distillation", () => {
  it("is the mean KL at a temperature, with terms of probability 0 left out", () => {
    const target = [
      [0.2, 0.8, 0],
      [0.3, 0.3, 0.4],
    ];
    const expected = meanOf(target.map((p, i) => kl(p, softmaxOf(logits[i]!, 3))));
    expect(value(distillation(matrix(target), matrix(logits), 3))).toBeCloseTo(expected, 12);
  });

  it("has no gradient where the student agrees", () => {
    const student = matrix(logits);
    const loss = distillation(matrix(logits.map((row) => softmaxOf(row))), student);
    expect(list(gradients(loss, { student }).student).every((g) => Math.abs(g) < 1e-15)).toBe(true);
  });
});

describe("FedLD's loss", () => {
  it("adds the log of the squared softmax outputs", () => {
    const squares = logits.flatMap((row) => softmaxOf(row).map((p) => p * p)).reduce((a, b) => a + b, 0);
    const expected = entropy(logits, [2, 0]) + 0.3 * Math.log(1 + squares);
    expect(value(lossWithMargin(matrix(logits), labels([2, 0]), 0.3))).toBeCloseTo(expected, 12);
  });
});

describe("FedD2S", () => {
  it("drops stages from the deepest on, and never all", () => {
    const schedule = { stages: 3, dropEvery: 2, minimumStages: 1 };
    expect([0, 1, 2, 4, 99].map((round) => activeStages(round, schedule).length)).toEqual([3, 3, 2, 1, 1]);
    expect(activeStages(0, { ...schedule, minimumStages: 7 })).toEqual([1, 2, 3]);
  });

  it("is local training with weight 0 or without soft labels", () => {
    const plain = entropy(logits, [2, 0]);
    const soft = [
      matrix([
        [1, 0, 0],
        [0, 1, 0],
      ]),
    ];
    const settings = { temperature: 2, weight: 0 };
    expect(value(stageDistillationLoss(matrix(logits), labels([2, 0]), soft, settings))).toBeCloseTo(plain, 12);
    expect(value(stageDistillationLoss(matrix(logits), labels([2, 0]), [], { ...settings, weight: 1 }))).toBeCloseTo(
      plain,
      12,
    );
  });

  it("averages the divergences of the stages", () => {
    const targets = [
      [
        [1, 0, 0],
        [0, 1, 0],
      ],
      [
        [0.5, 0.5, 0],
        [0.2, 0.2, 0.6],
      ],
    ];
    const terms = targets.map((target) => meanOf(target.map((p, i) => kl(p, softmaxOf(logits[i]!, 2)))));
    const loss = stageDistillationLoss(matrix(logits), labels([2, 0]), targets.map(matrix), {
      temperature: 2,
      weight: 0.7,
    });
    expect(value(loss)).toBeCloseTo(entropy(logits, [2, 0]) + 0.7 * meanOf(terms), 12);
  });

  const head = { weight: Float64Array.of(1, 2, 0, 1, 3, 0), bias: Float64Array.of(0, 1, 2) };
  const classes = [
    { label: 1, features: [0.5, -1], soft: [0.1, 0.2, 0.7] },
    { label: 0, features: [2, 0.3], soft: [1, 0, 0] },
  ];
  const lossOf = ({ weight, bias }: { readonly weight: Float64Array; readonly bias?: Float64Array }) =>
    meanOf(
      classes.map(({ label, features: [f, g], soft }) => {
        const outputs = [0, 1, 2].map((c) => weight[2 * c]! * f! + weight[2 * c + 1]! * g! + bias![c]!);
        return entropy([outputs], [label]) + 2 * kl(soft, softmaxOf(outputs, 3));
      }),
    );

  it("trains a head along the gradient of its loss on class means", () => {
    const settings = { temperature: 3, weight: 2, learningRate: 0.1 };
    const stepped = trainedStageHead(head, classes, settings);
    expect(stepped.loss).toBeCloseTo(lossOf(head), 12);
    for (const name of ["weight", "bias"] as const) {
      for (const [k, value] of head[name].entries()) {
        const at = (h: number) => lossOf({ ...head, [name]: head[name].with(k, value + h) });
        const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        expect(stepped.head[name]![k]).toBeCloseTo(value - 0.1 * slope, 8);
      }
    }
    const twice = trainedStageHead(stepped.head, classes, settings);
    expect(trainedStageHead(head, classes, { ...settings, steps: 2 })).toEqual(twice);
    expect(trainedStageHead(head, [], settings)).toEqual({ head, loss: 0 });
  });

  it("smooths what a head says", () => {
    const logits = [1 * 2 + 2 * 0.3, 0.3 + 1, 6 + 2];
    for (const [c, p] of stageSoftLabels(head, [2, 0.3], 4).entries())
      expect(p).toBeCloseTo(softmaxOf(logits, 4)[c]!, 12);
  });
});

describe("FedLGD", () => {
  const rows = (features: number[][], truth: number[]) => ({ features: matrix(features), labels: truth });

  it("matches equal sets with loss 0, and others by their class means", () => {
    const real = rows(
      [
        [1, 2],
        [3, 4],
        [0, 1],
      ],
      [0, 0, 1],
    );
    expect(value(distributionMatching((x) => x, real, real))).toBe(0);
    expect(
      value(
        distributionMatching(
          (x) => x,
          real,
          rows(
            [
              [2, 4],
              [9, 9],
            ],
            [0, 5],
          ),
        ),
      ),
    ).toBe(1);
  });

  it("matches the gradient of its own batch exactly", () => {
    const head = {
      weight: matrix([
        [1, -1],
        [0.5, 2],
      ]),
    };
    const images = rows(
      [
        [1, 2],
        [-1, 0.5],
      ],
      [0, 1],
    );
    const target = gradients(
      distillation(
        matrix([
          [1, 0],
          [0, 1],
        ]),
        matrix([
          [1 - 2, 0.5 + 4],
          [-1 - 0.5, -0.5 + 1],
        ]),
      ),
      { x: constant(0) },
    );
    expect(value(target.x)).toBe(0);
    // the gradient of softmax regression by hand: (p - e_y) x^T / n
    const p = [
      [-1, 4.5],
      [-1.5, 0.5],
    ].map((row) => softmaxOf(row));
    const byHand = [0, 1].map((c) =>
      [0, 1].map((j) =>
        meanOf(
          [0, 1].map(
            (i) =>
              (p[i]![c]! - (c === i ? 1 : 0)) *
              [
                [1, 2],
                [-1, 0.5],
              ][i]![j]!,
          ),
        ),
      ),
    );
    expect(value(gradientMatching(head, images, matrix(byHand)))).toBeCloseTo(0, 12);
    expect(value(gradientMatching(head, images, matrix(byHand.map((row) => row.map((x) => -3 * x)))))).toBeCloseTo(
      4,
      12,
    );
  });

  it("has the supervised contrastive loss of plain loops", () => {
    const [client, server] = [
      [
        [1, 0],
        [1, 1],
        [0, -1],
      ],
      [
        [2, 1],
        [-1, 1],
      ],
    ];
    const truth = [0, 1, 2, 0, 1];
    const unit = [...client, ...server].map(([x, y]) => [x! / Math.hypot(x!, y!), y! / Math.hypot(x!, y!)]);
    const close = (i: number, j: number) => Math.exp((unit[i]![0]! * unit[j]![0]! + unit[i]![1]! * unit[j]![1]!) / 0.5);
    const terms = truth.flatMap((label, i) => {
      const others = truth.flatMap((_, j) => (j === i ? [] : [j]));
      const positives = others.filter((j) => truth[j] === label);
      if (positives.length === 0) return [];
      const total = others.reduce((sum, j) => sum + close(i, j), 0);
      return [-meanOf(positives.map((j) => Math.log(close(i, j) / total)))];
    });
    const loss = contrastiveLoss(rows(client, truth.slice(0, 3)), rows(server, truth.slice(3)), 0.5);
    expect(terms.length).toBe(4);
    expect(value(loss)).toBeCloseTo(meanOf(terms), 12);
    expect(value(contrastiveLoss(rows([[1, 0]], [0]), rows([[0, 1]], [1]), 0.5))).toBe(0);
  });

  it("refreshes ten times", () => {
    expect(Array.from({ length: 99 }, (_, round) => refreshes(round)).filter(Boolean).length).toBe(10);
  });
});

describe("FRAug", () => {
  const head = {
    weight: matrix([
      [1, -1],
      [0.5, 2],
    ]),
    bias: constant([0.1, -0.2], [2]),
  };
  const features = matrix([
    [0.3, 0.7],
    [-1, 2],
  ]);
  const residual = matrix([
    [0.5, 0.5],
    [1, -1],
  ]);
  const zeros = matrix([
    [0, 0],
    [0, 0],
  ]);
  const alike = (rows: Tensor, truth: number[]) => {
    return { features: rows, labels: labels(truth), weights: constant([0.5, 0.5], [2]) };
  };
  const generated = matrix([
    [0.2, 0.1],
    [1, 1],
  ]);
  const batch = {
    real: alike(features, [0, 1]),
    generated: alike(generated, [1, 0]),
    residuals: [residual, zeros] as const,
    classMeans: matrix([
      [1, 0],
      [0, 1],
    ]),
  };
  const weights = { generator: 1, residual: 0.5 };

  it("moves the means of classes in the batch alone, without padding", () => {
    const rows = {
      features: matrix([
        [2, 4],
        [4, 8],
        [99, 99],
        [77, 77],
      ]),
      labels: labels([0, 0, 0, 2]),
      weights: constant([0.5, 0.5, 0, 0], [4]),
    };
    const before = matrix([
      [0, 0],
      [9, 9],
      [5, 6],
    ]);
    const means = list(updatedClassMeans(before, rows, 0.3));
    expect(means).toEqual([expect.closeTo(0.9, 12), expect.closeTo(1.8, 12), 9, 9, 5, 6]);
  });

  it("ramps up to 1 and weighs synthetic features by at most a half", () => {
    expect(augmentationRamp(300, 300, 0.01)).toEqual({ ramp: 1, rho: 0.5 });
    expect(augmentationRamp(900, 300, 0.01).ramp).toBe(1);
    expect(augmentationRamp(0, 300, 0.01).rho).toBeCloseTo(Math.exp(-3), 12);
  });

  it("trains features by real examples alone, the head by both", () => {
    const losses = augmentationLosses(head, batch, { ramp: 0.5, rho: 0.5 }, weights);
    expect(list(gradients(losses.synthetic, { features }).features)).toEqual([0, 0, 0, 0]);
    expect(list(gradients(losses.synthetic, { residual }).residual)).toEqual([0, 0, 0, 0]);
    expect(list(gradients(losses.synthetic, { w: head.weight }).w).some((g) => g !== 0)).toBe(true);
  });

  it("pushes generated features away from the class means, where that counts", () => {
    const distance = (rows: readonly number[]) => meanOf(rows.map((v, k) => (v - [0, 1, 1, 0][k]!) ** 2)); // the means of classes 1 and 0
    const before = list(generated);
    for (const [strength, further] of [
      [5, true],
      [0, false],
    ] as const) {
      const own = { ...weights, generator: strength };
      const loss = augmentationLosses(head, batch, { ramp: 0.5, rho: 0.5 }, own).generator;
      const after = list(sub(generated, mul(0.2, gradients(loss, { generated }).generated)));
      expect(distance(after) > distance(before)).toBe(further);
    }
  });

  it("shows the base where residuals are 0, and is FedAvg with rho 0", () => {
    const still = { ...batch, residuals: [zeros, zeros] as const };
    const { synthetic, classifier, real } = augmentationLosses(head, still, { ramp: 1, rho: 0 }, weights);
    const outputs = (rows: number[][]) => rows.map(([x, y]) => [x! - y! + 0.1, 0.5 * x! + 2 * y! - 0.2]);
    const expected =
      (entropy(
        outputs([
          [0, 1],
          [1, 0],
        ]),
        [1, 0],
      ) +
        entropy(
          outputs([
            [0.3, 0.7],
            [-1, 2],
          ]),
          [0, 1],
        )) /
      2;
    expect(value(synthetic)).toBeCloseTo(expected, 12);
    expect(value(classifier)).toBe(value(real));
  });
});
