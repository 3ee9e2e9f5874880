import { type AnabranchError, interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { logistic, mlp } from "../models/index.ts";
import { initialParameters, layout } from "../params/index.ts";
import { rootKey } from "../random/index.ts";
import { deepLeakage } from "./deep-leakage.ts";
import { openMatch } from "./gradient-match.ts";
import { invertGradients } from "./inverting-gradients.ts";

/** A net with one hidden layer of sigmoids, in plain loops. Parameters: b1, W1 [in, hidden], b2, W2 [hidden, classes]. */
const [INPUTS, HIDDEN, CLASSES] = [6, 8, 3];
const model = mlp({ input: [INPUTS], inputType: "float", hidden: [HIDDEN], classes: CLASSES, activation: "sigmoid" });
const of = layout(model.parameters);
const parameters = Float64Array.from({ length: of.size }, (_, i) => 0.6 * Math.sin(2.1 * i + 0.4));
const truth = Float64Array.from({ length: INPUTS }, (_, i) => 0.5 + 0.4 * Math.cos(1.7 * i));
const LABEL = 2;

function gradientOf(w: Float64Array, x: Float64Array, label: number): Float64Array {
  const [b1, w1, b2, w2] = [0, HIDDEN, HIDDEN + INPUTS * HIDDEN, HIDDEN + INPUTS * HIDDEN + CLASSES];
  const z = Array.from({ length: HIDDEN }, (_, h) =>
    x.reduce((s, v, i) => s + v * w[w1 + i * HIDDEN + h]!, w[b1 + h]!),
  );
  const a = z.map((v) => 1 / (1 + Math.exp(-v)));
  const logits = Array.from({ length: CLASSES }, (_, c) =>
    a.reduce((s, v, h) => s + v * w[w2 + h * CLASSES + c]!, w[b2 + c]!),
  );
  const total = logits.reduce((s, v) => s + Math.exp(v), 0);
  const e = logits.map((v, c) => Math.exp(v) / total - (c === label ? 1 : 0));
  const slope = new Float64Array(w.length);
  for (const [c, error] of e.entries()) {
    slope[b2 + c] = error;
    for (const [h, value] of a.entries()) slope[w2 + h * CLASSES + c] = error * value;
  }
  for (const [h, value] of a.entries()) {
    const back = e.reduce((s, error, c) => s + error * w[w2 + h * CLASSES + c]!, 0) * value * (1 - value);
    slope[b1 + h] = back;
    for (const [i, input] of x.entries()) slope[w1 + i * HIDDEN + h] = back * input;
  }
  return slope;
}

const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
const codeOf = (run: Promise<unknown>) =>
  run.then(
    () => undefined,
    (error: AnabranchError) => error.failure.code,
  );

describe("the match of gradients", () => {
  const received = { parameters, gradient: gradientOf(parameters, truth, LABEL) };
  const y = Float64Array.of(0, 0, 1);

  it("is 0 at the truth, by either distance, and its cosine ignores the size of the message", async () => {
    for (const distance of ["squared", "cosine"] as const) {
      const match = await openMatch(model, received, { examples: 1, distance, labels: "given" }, interpreter());
      expect((await match.at(truth, y)).loss).toBeLessThan(1e-12);
    }
    const small = { parameters, gradient: received.gradient.map((g) => 0.01 * g) };
    const settings = { examples: 1, distance: "cosine", labels: "given" } as const;
    const [one, other] = await Promise.all(
      [received, small].map((of) => openMatch(model, of, settings, interpreter())),
    );
    const elsewhere = truth.map((v) => 1 - v);
    expect((await one!.at(elsewhere, y)).loss).toBeCloseTo((await other!.at(elsewhere, y)).loss, 12);
  });

  it("unrolls local steps, with the batches in order", async () => {
    const second = truth.map((v) => 1 - v);
    let w = parameters.slice();
    for (let step = 0; step < 4; step++) {
      const g = step % 2 === 0 ? gradientOf(w, truth, LABEL) : gradientOf(w, second, 0);
      w = w.map((value, i) => value - 0.3 * g[i]!);
    }
    const message = { parameters, gradient: parameters.map((value, i) => (value - w[i]!) / (4 * 0.3)) };
    const settings = { examples: 2, batchSize: 1, localSteps: 4, learningRate: 0.3, labels: "given" } as const;
    const match = await openMatch(model, message, { ...settings, distance: "squared" }, interpreter());
    const labels = Float64Array.of(0, 0, 1, 1, 0, 0);
    expect((await match.at(Float64Array.of(...truth, ...second), labels)).loss).toBeLessThan(1e-20);
    expect((await match.at(Float64Array.of(...second, ...truth), labels)).loss).toBeGreaterThan(1e-6);
  });

  it("looks only where the message is not 0, for an attacker who knows that entries were dropped", async () => {
    const dropped = received.gradient.map((g, i) => (i % 3 === 0 ? 0 : g));
    const settings = { examples: 1, distance: "squared", labels: "given", onSupport: true } as const;
    const match = await openMatch(model, { parameters, gradient: dropped }, settings, interpreter());
    expect((await match.at(truth, y)).loss).toBeLessThan(1e-20);
  });

  it("refuses what it cannot search", async () => {
    const settings = { examples: 1, distance: "cosine", labels: "given" } as const;
    const open = (more: object, gradient = received.gradient) =>
      codeOf(openMatch(model, { parameters, gradient }, { ...settings, ...more }, interpreter()));
    expect(await open({ localSteps: 6 })).toBe("audit/steps");
    expect(await open({}, new Float64Array(of.size))).toBe("audit/nothing");
    expect(
      await open(
        {},
        received.gradient.map(() => Number.NaN),
      ),
    ).toBe("audit/nothing");
    expect(await open({ tv: 0.1 })).toBe("audit/image");
  });
});

describe("DLG", () => {
  it("finds example and label of a smooth net, from two seeds", async () => {
    const received = { parameters, gradient: gradientOf(parameters, truth, LABEL) };
    for (const seed of [1, 2]) {
      const found = await deepLeakage(
        model,
        received,
        { examples: 1, seed, goal: 1e-14, iterations: 200 },
        interpreter(),
      );
      expect(found.labels).toEqual([LABEL]);
      expect(worst(found.examples[0]!, truth)).toBeLessThan(1e-4);
    }
  });

  it("refuses models with relu", async () => {
    const rough = mlp({ input: [4], inputType: "float", hidden: [3], classes: 2 });
    const vectors = { parameters: new Float64Array(23), gradient: new Float64Array(23).fill(1) };
    expect(await codeOf(deepLeakage(rough, vectors, { examples: 1 }, interpreter()))).toBe("audit/not-smooth");
  });
});

describe("IG", () => {
  it("finds the direction of a relu net's gradient within its box, whatever the clipping", async () => {
    const rough = mlp({ input: [3, 3], inputType: "float", hidden: [24], classes: 4 });
    const shape = layout(rough.parameters);
    const start = initialParameters(rough.parameters, rootKey(3));
    const image = Float64Array.from({ length: 9 }, (_, i) => (i % 4) / 4);
    const settings = { examples: 1, distance: "squared", labels: "given" } as const;
    const gradient = numericGradient(rough, Float64Array.from(start), image, 1, shape.size);
    expect(
      (
        await (
          await openMatch(rough, { parameters: start, gradient }, settings, interpreter())
        ).at(image, Float64Array.of(0, 1, 0, 0))
      ).loss,
    ).toBeLessThan(1e-8);
    const search = { examples: 1, labels: [1], iterations: 300, box: { low: [0], high: [1] }, restarts: 2 };
    const whole = await invertGradients(rough, { parameters: start, gradient }, search, interpreter());
    expect(worst(whole.examples[0]!, image)).toBeLessThan(0.05);
    const clipped = await invertGradients(
      rough,
      { parameters: start, gradient: gradient.map((g) => g / 64) },
      search,
      interpreter(),
    );
    expect(clipped.examples).toEqual(whole.examples);
  });

  it("moves every pixel by the rate in its first step", async () => {
    const linear = logistic({ input: [2, 2], inputType: "float", classes: 2 });
    const w = Float64Array.from({ length: 10 }, (_, i) => Math.sin(i));
    const begin = Float64Array.of(0.4, 0.5, 0.6, 0.5);
    let moved: Float64Array = begin;
    const gradient = Float64Array.from({ length: 10 }, (_, i) => Math.cos(3 * i));
    await invertGradients(
      linear,
      { parameters: w, gradient },
      {
        ...{ examples: 1, labels: [0], iterations: 1, rate: 0.05, start: begin },
        onStep: (_, x) => {
          moved = x.slice();
        },
      },
      interpreter(),
    );
    for (const [i, value] of moved.entries()) expect(Math.abs(value - begin[i]!)).toBeCloseTo(0.05, 6);
  });
});

/** The gradient of the cross-entropy by central differences. */
function numericGradient(
  of: typeof model,
  w: Float64Array,
  x: Float64Array,
  label: number,
  size: number,
): Float64Array {
  const lossAt = (at: Float64Array) => lossOf(of, at, x, label);
  return Float64Array.from({ length: size }, (_, i) => {
    const [up, down] = [w.slice(), w.slice()];
    up[i]! += 1e-5;
    down[i]! -= 1e-5;
    return (lossAt(up) - lossAt(down)) / 2e-5;
  });
}

/** Cross-entropy of a relu net of one hidden layer in plain loops; the layout is b1, W1, b2, W2. */
function lossOf(of: typeof model, w: Float64Array, x: Float64Array, label: number): number {
  const [hidden, classes] = [of.parameters.find(({ name }) => name === "dense1.bias")!.shape[0]!, of.classes];
  const z = Array.from({ length: hidden }, (_, h) => x.reduce((s, v, i) => s + v * w[hidden + i * hidden + h]!, w[h]!));
  const offset = hidden + x.length * hidden;
  const logits = Array.from({ length: classes }, (_, c) =>
    z.reduce((s, v, h) => s + Math.max(v, 0) * w[offset + classes + h * classes + c]!, w[offset + c]!),
  );
  return Math.log(logits.reduce((s, v) => s + Math.exp(v), 0)) - logits[label]!;
}
