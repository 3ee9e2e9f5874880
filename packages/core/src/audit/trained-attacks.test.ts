import { type AnabranchError, interpreter } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { mlp } from "../models/index.ts";
import { initialParameters, layout } from "../params/index.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { searchGenerator } from "./generator-search.ts";
import { trainGenerator } from "./generator-training.ts";
import { openMatch } from "./gradient-match.ts";
import { trainInversionNetwork } from "./inversion-network.ts";

const SIZE = 16;
const scale = { factor: new Float64Array(SIZE).fill(2), offset: new Float64Array(SIZE).fill(-1) };
const model = mlp({ input: [4, 4], inputType: "float", hidden: [10], classes: 2 });
const of = layout(model.parameters);
const parameters = Float64Array.from(initialParameters(model.parameters, rootKey(2)));

/** Images of one of two patterns with a brightness of their own, and the number of the pattern. */
function patterns(count: number, seed: number) {
  const stream = randomStream(deriveKey(rootKey(seed), "patterns"));
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  const pixels = labels.map((label) => {
    const light = 0.3 + 0.6 * stream.float();
    return Float64Array.from({ length: SIZE }, (_, i) => ((label === 0 ? i % 4 : i >> 2) < 2 ? light : 0.1));
  });
  const inputs = pixels.map((row) => row.map((value) => 2 * value - 1));
  return { labels, pixels, inputs };
}

/** The gradient of one example by differences, in plain loops. */
async function gradientOf(input: Float64Array, label: number): Promise<Float64Array> {
  const lossAt = (w: Float64Array) => {
    const z = Array.from({ length: 10 }, (_, h) =>
      input.reduce((sum, value, i) => sum + value * w[10 + i * 10 + h]!, w[h]!),
    );
    const logits = [0, 1].map((c) => z.reduce((sum, v, h) => sum + Math.max(v, 0) * w[172 + h * 2 + c]!, w[170 + c]!));
    return Math.log(Math.exp(logits[0]!) + Math.exp(logits[1]!)) - logits[label]!;
  };
  return Float64Array.from({ length: of.size }, (_, i) => {
    const [up, down] = [parameters.slice(), parameters.slice()];
    up[i]! += 1e-5;
    down[i]! -= 1e-5;
    return (lossAt(up) - lossAt(down)) / 2e-5;
  });
}

const error = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / SIZE;

describe("attacks that are trained on other examples", () => {
  const own = patterns(80, 1);
  const victim = patterns(4, 9);

  it("invert gradients by a network far better than by the mean image", async () => {
    const training = { sketch: 96, hidden: 24, steps: 150 };
    const network = await trainInversionNetwork(model, parameters, own, interpreter(), training);
    const mean = own.pixels[0]!.map((_, i) => own.pixels.reduce((sum, row) => sum + row[i]!, 0) / own.pixels.length);
    let [byNetwork, byMean] = [0, 0];
    for (const [row, input] of victim.inputs.entries()) {
      const found = await network.invert(await gradientOf(input, victim.labels[row]!));
      byNetwork += error(found, victim.pixels[row]!);
      byMean += error(mean, victim.pixels[row]!);
    }
    expect(byNetwork).toBeLessThan(0.35 * byMean);
    // the size of the message does not matter, nor does one of zeros break it
    const gradient = await gradientOf(victim.inputs[0]!, 0);
    const [whole, clipped] = [await network.invert(gradient), await network.invert(gradient.map((g) => g / 8))];
    expect(error(whole, clipped)).toBeLessThan(1e-12);
    expect((await network.invert(new Float64Array(of.size))).every(Number.isFinite)).toBe(true);
    await network.release();
  });

  it("search the stages of a trained generator", async () => {
    const settings = { latent: 3, hidden: 16, steps: 200 };
    const generator = await trainGenerator(own.pixels, [4, 4], scale, interpreter(), settings);
    expect(generator.stages.map(({ shape }) => shape)).toEqual([[3], [16]]);
    const received = { parameters, gradient: await gradientOf(victim.inputs[1]!, 1) };
    const search = { examples: 1, labels: [1], iterations: 60, restarts: 2 };
    const found = await searchGenerator(model, received, generator, search, interpreter());
    expect(found.losses[found.stage]).toBe(Math.min(...found.losses));
    const pixels = found.examples[0]!.map((value) => (value + 1) / 2);
    expect(error(pixels, victim.pixels[1]!)).toBeLessThan(0.02);
    // the objective is that of the match at the image
    const match = await openMatch(model, received, { examples: 1, distance: "cosine", labels: "given" }, interpreter());
    expect((await match.at(found.examples[0]!, Float64Array.of(0, 1))).loss).toBeCloseTo(found.loss, 9);
  });

  it("keep the image of the latent stage where the ball of the next one has radius 0", async () => {
    const generator = await trainGenerator(own.pixels, [4, 4], scale, interpreter(), {
      latent: 2,
      hidden: 8,
      steps: 30,
    });
    const received = { parameters, gradient: await gradientOf(victim.inputs[0]!, 0) };
    const search = { examples: 1, labels: [0], iterations: 5, radii: [0] };
    const { losses, stage } = await searchGenerator(model, received, generator, search, interpreter());
    expect(stage).toBe(0);
    expect(losses[1]).toBeCloseTo(losses[0]!, 12);
  });

  it("refuse a model of numbers", async () => {
    const regression = mlp({ input: [4, 4], inputType: "float", labelType: "float", hidden: [3], classes: 1 });
    const size = layout(regression.parameters).size;
    const code = await trainInversionNetwork(regression, new Float64Array(size), own, interpreter()).then(
      () => undefined,
      (failure: AnabranchError) => failure.code,
    );
    expect(code).toBe("audit/model");
  });
});
