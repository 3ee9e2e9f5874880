/**
 * A network that is trained to turn gradients into examples: the third sort of attacks by generation in the survey of Guo et
 * al. Its inputs are count sketches of unit gradients, its training examples are not those of the attacked clients.
 *
 * Citations: P. Guo et al., 2025, arXiv:2503.11514; R. Wu et al., "Learning to Invert: Simple Adaptive Attacks for Gradient
 * Inversion in Federated Learning", UAI 2023, arXiv:2210.10880; sketches: M. Charikar, K. Chen, M. Farach-Colton, ICALP 2002.
 * Differences: sketches in place of whole gradients, one hidden layer, one example per message.
 */
import {
  compileProgram,
  type Executor,
  gradients,
  mean,
  mul,
  relu,
  sigmoid,
  square,
  sub,
  type Tensor,
  trace,
} from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { parameterInputs, vectorOutputs } from "../client/vectors.ts";
import type { Model } from "../models/model.ts";
import { entryTypes, type Layout, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { BATCH, denseLayer, denseLayers, rowsOf, trainLayers } from "./dense-network.ts";
import { executorFloats } from "./executor-floats.ts";
import { dummyMessage } from "./gradient-match.ts";

/** Turns the gradient [d] of one example into its values in [0, 1]. */
export interface InversionNetwork {
  invert(gradient: Vector): Promise<Float64Array>;
  release(): Promise<void>;
}

export interface InversionTraining {
  /** Values of a sketch; default 2048. */
  readonly sketch?: number | undefined;
  /** Width of the hidden layer; default 512. */
  readonly hidden?: number | undefined;
  /** Default 800. */
  readonly steps?: number | undefined;
  readonly seed?: number | undefined;
}

/** Examples with labels that an attacker has. */
export interface AuxiliaryExamples {
  /** As the model's network takes them, one per row. */
  readonly inputs: readonly Float64Array[];
  /** Values in [0, 1] of the same. */
  readonly pixels: readonly Float64Array[];
  readonly labels: readonly number[];
}

/**
 * Trains a network on the gradients of an attacker's own examples at the model that was sent.
 *
 * @param parameters of the attacked model, [d]
 * @throws `audit/model` for models whose examples cannot be searched for
 *
 * @example
 * ```ts
 * import { logistic, trainInversionNetwork } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const model = logistic({ input: [1], inputType: "float", classes: 2 });
 * const inputs = [0, 1].map((value) => Float64Array.of(value));
 * const known = { inputs, pixels: inputs, labels: [0, 1] };
 * const sizes = { sketch: 4, hidden: 4, steps: 1 };
 * const network = await trainInversionNetwork(model, new Float64Array(4), known, interpreter(), sizes);
 * (await network.invert(Float64Array.of(0.5, -0.5, 0.5, -0.5))).length; // => 1
 * await network.release();
 * ```
 */
export async function trainInversionNetwork(
  model: Model,
  parameters: Vector,
  { inputs, pixels, labels }: AuxiliaryExamples,
  executor: Executor,
  { sketch = 2048, hidden = 512, steps = 800, seed = 0 }: InversionTraining = {},
): Promise<InversionNetwork> {
  const project = countSketch(layout(model.parameters).size, sketch, seed);
  const sketches: Float64Array[] = [];
  for await (const gradient of gradientsOf(model, parameters, inputs, labels, executor))
    sketches.push(project(gradient));
  const size = pixels[0]!.length;
  const of = denseLayers([sketch, hidden, size]);
  const training = { steps, seed, purpose: "inversion" };
  const trained = await trainLayers(
    of,
    trainingProgram(of, sketch, size),
    { s: sketches, x: pixels },
    executor,
    training,
  );
  const inverting = await executor.load(invertingProgram(of, sketch));
  const fixed = parameterInputs("parameters", executorFloats(executor, trained), of);
  return {
    async invert(gradient) {
      const { x } = await inverting.run({ ...fixed, s: rowsOf([project(gradient)], [0], executor) });
      return Float64Array.from(x!.data);
    },
    release: () => inverting.release(),
  };
}

/** The gradient of each example by itself. */
async function* gradientsOf(
  model: Model,
  parameters: Vector,
  inputs: readonly Float64Array[],
  labels: readonly number[],
  executor: Executor,
): AsyncGenerator<Vector> {
  const of = layout(model.parameters);
  const message = dummyMessage(model, { examples: 1, distance: "cosine", labels: "given" });
  const shape = [1, ...model.features.shape];
  const traced = trace(
    (given) => {
      const { parameters: at, x, y } = given as unknown as { parameters: ParameterTensors; x: Tensor; y: Tensor };
      return { message: { gradient: message(at, x, y) } };
    },
    {
      parameters: entryTypes(of),
      x: { dtype: "float", shape },
      y: { dtype: "float", shape: [1, model.classes] },
    },
  );
  const executable = await executor.load(compileProgram("gradient", traced));
  const fixed = parameterInputs("parameters", executorFloats(executor, parameters), of);
  try {
    for (const [row, input] of inputs.entries()) {
      const y = new Float64Array(model.classes);
      y[labels[row]!] = 1;
      const outputs = await executable.run({
        ...fixed,
        x: { dtype: "float", shape, data: executorFloats(executor, input) },
        y: { dtype: "float", shape: [1, model.classes], data: executorFloats(executor, y) },
      });
      const make = (_: string, length: number) => new Float64Array(length);
      yield vectorOutputs(outputs, "message", { gradient: of }, make)["gradient"]!;
    }
  } finally {
    await executable.release();
  }
}

/** A linear map to few values: each entry is added to one of them with a sign, after the vector is scaled to the root of their number. */
function countSketch(size: number, buckets: number, seed: number): (vector: Vector) => Float64Array {
  const stream = randomStream(deriveKey(rootKey(seed), "audit", "sketch"));
  const place = new Int32Array(size);
  const sign = new Int8Array(size);
  for (let i = 0; i < size; i++) {
    const word = stream.uint32();
    place[i] = (word >>> 1) % buckets;
    sign[i] = (word & 1) === 0 ? 1 : -1;
  }
  return (vector) => {
    const out = new Float64Array(buckets);
    let squares = 0;
    for (let i = 0; i < size; i++) {
      squares += vector[i]! ** 2;
      out[place[i]!]! += sign[i]! * vector[i]!;
    }
    const scale = squares > 0 ? Math.sqrt(buckets / squares) : 0;
    return out.map((value) => value * scale);
  };
}

function network(parameters: ParameterTensors, s: Tensor): Tensor {
  return sigmoid(denseLayer(parameters, 1, relu(denseLayer(parameters, 0, s))));
}

function trainingProgram(of: Layout, sketch: number, size: number) {
  const traced = trace(
    (given) => {
      const { parameters, s, x } = given as unknown as { parameters: ParameterTensors; s: Tensor; x: Tensor };
      const loss = mul(mean(square(sub(network(parameters, s), x))), size);
      return { slopes: { slope: gradients(loss, parameters) } };
    },
    {
      parameters: entryTypes(of),
      s: { dtype: "float", shape: [BATCH, sketch] },
      x: { dtype: "float", shape: [BATCH, size] },
    },
  );
  return compileProgram("train-inversion", traced);
}

function invertingProgram(of: Layout, sketch: number) {
  const traced = trace(
    (given) => {
      const { parameters, s } = given as unknown as { parameters: ParameterTensors; s: Tensor };
      return { x: network(parameters, s) };
    },
    { parameters: entryTypes(of), s: { dtype: "float", shape: [1, sketch] } },
  );
  return compileProgram("invert", traced);
}
