/**
 * A small generator for GIFD, trained by the engine: the decoder of an autoencoder of dense layers, on examples that are not
 * those of the attacked clients. Published attacks use generators of another size, trained on millions of images; figures with
 * this one are a lower bound of what they reach.
 */
import {
  add,
  compileProgram,
  constant,
  type Executor,
  gradients,
  mean,
  mul,
  relu,
  reshape,
  sigmoid,
  square,
  sub,
  type Tensor,
  trace,
} from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { parameterInputs } from "../client/vectors.ts";
import { entryTypes, entryView, type Layout } from "../params/layout.ts";
import { BATCH, denseLayer, denseLayers, rowsOf, trainLayers } from "./dense-network.ts";
import { executorFloats } from "./executor-floats.ts";
import type { Generator } from "./generator-search.ts";
import type { PixelScale } from "./pixels.ts";

export interface GeneratorTraining {
  /** Default 32. */
  readonly latent?: number | undefined;
  /** Width of the hidden layers; default 256. */
  readonly hidden?: number | undefined;
  /** Default 800. */
  readonly steps?: number | undefined;
  readonly seed?: number | undefined;
}

/**
 * Trains a generator of two stages, latent vector and hidden features, on values in [0, 1].
 *
 * @param pixels examples, one per row
 * @param shape of one example as the attacked model takes it
 *
 * @example
 * ```ts
 * import { trainGenerator } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const pixels = [0, 1].map((value) => Float64Array.of(value, value));
 * const scale = { factor: Float64Array.of(1, 1), offset: Float64Array.of(0, 0) };
 * const sizes = { latent: 1, hidden: 2, steps: 1 };
 * const generator = await trainGenerator(pixels, [2], scale, interpreter(), sizes);
 * generator.stages.length; // => 2
 * ```
 */
export async function trainGenerator(
  pixels: readonly Float64Array[],
  shape: readonly number[],
  scale: PixelScale,
  executor: Executor,
  { latent = 32, hidden = 256, steps = 800, seed = 0 }: GeneratorTraining = {},
): Promise<Generator> {
  const size = pixels[0]!.length;
  const of = denseLayers([size, hidden, latent, hidden, size]);
  const training = { steps, seed, purpose: "generator" };
  const parameters = await trainLayers(of, trainingProgram(of, size), { x: pixels }, executor, training);
  const encoding = await executor.load(encodingProgram(of, size));
  const rows = Array.from({ length: Math.min(512, pixels.length) }, (_, i) => i);
  const inputs = parameterInputs("parameters", executorFloats(executor, parameters), of);
  const { z } = await encoding.run({ ...inputs, x: rowsOf(pixels, rows, executor) });
  await encoding.release();
  return decoder(of, parameters, z!.data, latent, hidden, shape, scale);
}

function encode(parameters: ParameterTensors, x: Tensor): Tensor {
  return denseLayer(parameters, 1, relu(denseLayer(parameters, 0, x)));
}

function trainingProgram(of: Layout, size: number) {
  const traced = trace(
    (inputs) => {
      const { parameters, x } = inputs as unknown as { parameters: ParameterTensors; x: Tensor };
      const hidden = relu(denseLayer(parameters, 2, encode(parameters, x)));
      const loss = mean(square(sub(sigmoid(denseLayer(parameters, 3, hidden)), x)));
      return { slopes: { slope: gradients(mul(loss, size), parameters) } };
    },
    { parameters: entryTypes(of), x: { dtype: "float", shape: [BATCH, size] } },
  );
  return compileProgram("train-generator", traced);
}

function encodingProgram(of: Layout, size: number) {
  const traced = trace(
    (inputs) => {
      const { parameters, x } = inputs as unknown as { parameters: ParameterTensors; x: Tensor };
      return { z: encode(parameters, x) };
    },
    { parameters: entryTypes(of), x: { dtype: "float", shape: ["n", size] } },
  );
  return compileProgram("encode", traced);
}

/** The decoder, whose latent values have mean 0 and deviation 1 over the training examples. */
function decoder(
  of: Layout,
  parameters: Float64Array,
  z: ArrayLike<number>,
  latent: number,
  hidden: number,
  shape: readonly number[],
  { factor, offset }: PixelScale,
): Generator {
  const rows = z.length / latent;
  const column = (j: number) => Array.from({ length: rows }, (_, i) => z[i * latent + j]!);
  const [weight, bias] = ["layer2.weight", "layer2.bias"].map((name) =>
    entryView(parameters, of.entries.find((entry) => entry.name === name)!),
  );
  for (let j = 0; j < latent; j++) {
    const values = column(j);
    const middle = values.reduce((a, b) => a + b, 0) / rows;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / rows);
    for (let k = 0; k < hidden; k++) {
      bias![k]! += middle * weight![j * hidden + k]!;
      weight![j * hidden + k]! *= deviation;
    }
  }
  const scaled = (x: Tensor) => add(mul(x, constant(factor, [factor.length])), constant(offset, [offset.length]));
  return {
    layout: of,
    parameters,
    stages: [
      { shape: [latent], apply: (p, h) => relu(denseLayer(p, 2, h)) },
      { shape: [hidden], apply: (p, h) => reshape(scaled(sigmoid(denseLayer(p, 3, h))), [h.shape[0]!, ...shape]) },
    ],
  };
}
