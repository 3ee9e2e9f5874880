/**
 * A data set of your own: points on two interleaved spirals, one class each. Use it with
 * `[data] file = "examples/own-dataset.ts"` and the model `mlp`.
 */
import { type ArrayDataset, deriveKey, randomStream, rootKey, type TrainTest } from "@anabranch/core";

function spirals(name: string, examples: number): ArrayDataset {
  const stream = randomStream(deriveKey(rootKey(7), "spirals", name));
  const features = new Float32Array(examples * 2);
  const labels = new Uint8Array(examples);
  for (let i = 0; i < examples; i++) {
    const turn = stream.float();
    labels[i] = i % 2;
    const angle = 3 * Math.PI * turn + (i % 2) * Math.PI;
    features[2 * i] = turn * Math.cos(angle) + 0.02 * (stream.float() - 0.5);
    features[2 * i + 1] = turn * Math.sin(angle) + 0.02 * (stream.float() - 0.5);
  }
  return {
    name: "spirals",
    features: { dtype: "float", shape: [examples, 2], data: features },
    labels: { dtype: "uint8", shape: [examples], data: labels },
    classes: 2,
  };
}

export default async function load(): Promise<TrainTest> {
  // private runs want to know whose the test examples are: nobody's here
  return { train: spirals("train", 4000), test: spirals("test", 1000), testRows: "separate" };
}
