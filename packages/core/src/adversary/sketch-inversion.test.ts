import { describe, expect, it } from "vitest";
import { denseSketch } from "../compression/index.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { invertSketch, regressionGradient } from "./sketch-inversion.ts";

const stream = randomStream(deriveKey(rootKey(3), "attack"));
const normal = () => {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += stream.float();
  return sum;
};
const list = (n: number) => Array.from({ length: n }, normal);

/** An example of 8 numbers behind a softmax regression of 5 classes and a dense sketch to b numbers. */
function victim(b: number, sigma = 0) {
  const weights = Array.from({ length: 5 }, () => list(8));
  const x = Float64Array.from(list(8));
  const map = denseSketch(Array.from({ length: b }, () => list(40).map((value) => value / Math.sqrt(b))));
  const gradient = regressionGradient(weights, 2, x);
  const clip = Math.min(1, 1 / Math.hypot(...gradient));
  const sent = sigma === 0 ? gradient : gradient.map((value) => clip * value + sigma * normal());
  const found = invertSketch(
    { weights, label: 2, sketch: map.apply, observed: map.apply(sent) },
    Float64Array.from(list(8)),
    sigma === 0 ? {} : { restarts: 1 },
  );
  const dot = found.x.reduce((sum, value, j) => sum + value * x[j]!, 0);
  const error = Math.hypot(...found.x.map((value, j) => value - x[j]!)) / Math.hypot(...x);
  return { ...found, error, cosine: dot / Math.hypot(...x) / Math.hypot(...found.x) };
}

describe("a sketched gradient", () => {
  it("gives the example away with two numbers for each unknown", () => {
    for (let i = 0; i < 5; i++) expect(victim(16).error).toBeLessThan(1e-4);
  });

  it("leaves other examples possible with fewer numbers than unknowns", () => {
    const { error, squares } = victim(5);
    expect(squares).toBeLessThan(1e-10);
    expect(error).toBeGreaterThan(0.05);
  });

  it("hides it behind noise that is added before the sketch", () => {
    const cosines = Array.from({ length: 3 }, () => Math.abs(victim(16, 1).cosine));
    expect(cosines.reduce((a, b) => a + b, 0) / 3).toBeLessThan(0.6);
  });
});
