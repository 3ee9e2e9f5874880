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
  matmul,
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
import { parameterInputs, vectorOutputs } from "../client/vectors.ts";
import { entryTypes, entryView, type Layout, layout } from "../params/layout.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { HostAdam } from "../simulation/host-adam.ts";
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

const [BATCH, RATE] = [64, 2e-3];

/**
 * Trains a generator of two stages, latent vector and hidden features, on values in [0, 1].
 *
 * @param pixels examples, one per row
 * @param shape of one example as the attacked model takes it
 */
export async function trainGenerator(
  pixels: readonly Float64Array[],
  shape: readonly number[],
  scale: PixelScale,
  executor: Executor,
  { latent = 32, hidden = 256, steps = 800, seed = 0 }: GeneratorTraining = {},
): Promise<Generator> {
  const size = pixels[0]!.length;
  const of = autoencoder(size, hidden, latent);
  const parameters = begin(of, seed);
  const adam = new HostAdam(parameters);
  const training = await executor.load(trainingProgram(of, size));
  const stream = randomStream(deriveKey(rootKey(seed), "audit", "generator", "batches"));
  const batch = (rows: readonly number[]) => {
    const data = new Float64Array(rows.length * size);
    for (const [i, row] of rows.entries()) data.set(pixels[row]!, i * size);
    return { dtype: "float", shape: [rows.length, size], data: executorFloats(executor, data) } as const;
  };
  for (let step = 0; step < steps; step++) {
    const rows = Array.from({ length: BATCH }, () => stream.below(pixels.length));
    const outputs = await training.run({
      ...parameterInputs("parameters", executorFloats(executor, parameters), of),
      x: batch(rows),
    });
    const { slope } = vectorOutputs(outputs, "slopes", { slope: of }, (_, length) => new Float64Array(length));
    adam.step(slope!, step < 0.7 * steps ? RATE : RATE / 10);
  }
  await training.release();
  const encoding = await executor.load(encodingProgram(of, size));
  const rows = Array.from({ length: Math.min(512, pixels.length) }, (_, i) => i);
  const { z } = await encoding.run({
    ...parameterInputs("parameters", executorFloats(executor, parameters), of),
    x: batch(rows),
  });
  await encoding.release();
  return decoder(of, parameters, z!.data, latent, hidden, shape, scale);
}

function autoencoder(size: number, hidden: number, latent: number): Layout {
  const widths = [size, hidden, latent, hidden, size];
  return layout(
    widths.slice(1).flatMap((outputs, i) => [
      { name: `layer${i}.weight`, shape: [widths[i]!, outputs], role: "matrix" as const, block: `layer${i}` },
      { name: `layer${i}.bias`, shape: [outputs], role: "vector" as const, block: `layer${i}` },
    ]),
  );
}

/** Weights from N(0, 2 / inputs), biases 0. */
function begin(of: Layout, seed: number): Float64Array {
  const parameters = new Float64Array(of.size);
  for (const entry of of.entries.filter(({ role }) => role === "matrix")) {
    const stream = randomStream(deriveKey(rootKey(seed), "audit", "generator", entry.name));
    const view = entryView(parameters, entry);
    for (let i = 0; i < view.length; i++) view[i] = stream.normal() * Math.sqrt(2 / entry.shape[0]!);
  }
  return parameters;
}

function dense(parameters: ParameterTensors, layer: number, x: Tensor): Tensor {
  return add(matmul(x, parameters[`layer${layer}.weight`]!), parameters[`layer${layer}.bias`]!);
}

function encode(parameters: ParameterTensors, x: Tensor): Tensor {
  return dense(parameters, 1, relu(dense(parameters, 0, x)));
}

function trainingProgram(of: Layout, size: number) {
  const traced = trace(
    (inputs) => {
      const { parameters, x } = inputs as unknown as { parameters: ParameterTensors; x: Tensor };
      const hidden = relu(dense(parameters, 2, encode(parameters, x)));
      const loss = mean(square(sub(sigmoid(dense(parameters, 3, hidden)), x)));
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
      { shape: [latent], apply: (p, h) => relu(dense(p, 2, h)) },
      { shape: [hidden], apply: (p, h) => reshape(scaled(sigmoid(dense(p, 3, h))), [h.shape[0]!, ...shape]) },
    ],
  };
}
