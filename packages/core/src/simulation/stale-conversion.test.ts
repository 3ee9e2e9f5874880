import { interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { logistic } from "../models/index.ts";
import { convertStaleUpdate } from "./stale-conversion.ts";

const [CLASSES, FEATURES, RATE] = [3, 2, 0.4];
const model = logistic({ input: [FEATURES], inputType: "float", classes: CLASSES });
/** b [3], W [2, 3] */
const base = Float64Array.of(0.1, -0.2, 0.05, 0.3, -0.1, 0.2, -0.4, 0.25, 0.1);
const current = base.map((w, i) => w + 0.3 * Math.cos(i));
const examples = [
  { x: [0.8, -1.1], label: 2 },
  { x: [-0.5, 0.4], label: 0 },
];

/** Steps of gradient descent on the mean cross-entropy, in plain loops. */
function localUpdate(start: Float64Array, of: typeof examples, steps: number): Float64Array {
  const w = start.slice();
  for (let step = 0; step < steps; step++) {
    const slope = new Float64Array(w.length);
    for (const { x, label } of of) {
      const logits = [0, 1, 2].map((c) => w[c]! + x.reduce((sum, value, i) => sum + value * w[3 + 3 * i + c]!, 0));
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
      for (const [c, logit] of logits.entries()) {
        const r = (Math.exp(logit) / total - (c === label ? 1 : 0)) / of.length;
        slope[c]! += r;
        for (const [i, value] of x.entries()) slope[3 + 3 * i + c]! += r * value;
      }
    }
    for (let j = 0; j < w.length; j++) w[j]! -= RATE * slope[j]!;
  }
  return w.map((value, j) => value - start[j]!);
}

describe("the conversion of a stale update", () => {
  it.each([
    [1, 1],
    [1, 2],
    [2, 1],
  ])("with %i example(s) and %i step(s) of known labels is the fresh update", async (count, localSteps) => {
    const own = examples.slice(0, count);
    const stale = localUpdate(base, own, localSteps);
    const { update, error } = await convertStaleUpdate(
      model,
      { base, current, stale },
      { learningRate: RATE, localSteps, examples: count, labels: own.map(({ label }) => label) },
      interpreter(),
    );
    expect(error).toBeLessThan(1e-3);
    const fresh = localUpdate(current, own, localSteps);
    const worst = Math.max(...fresh.map((value, j) => Math.abs(value - update[j]!)));
    const without = Math.max(...fresh.map((value, j) => Math.abs(value - stale[j]!)));
    expect(worst).toBeLessThan(count === 1 ? 1e-3 : without);
  });

  it("finds soft labels where none are known", async () => {
    const stale = localUpdate(base, examples.slice(0, 1), 1);
    const training = { learningRate: RATE, examples: 1 };
    const { error } = await convertStaleUpdate(model, { base, current, stale }, training, interpreter());
    expect(error).toBeLessThan(0.05 * stale.reduce((sum, value) => sum + Math.abs(value), 0));
  });
});
