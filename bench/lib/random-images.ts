import { type ArrayDataset, deriveKey, randomStream, rootKey, type TrainTest } from "@anabranch/core";

/** Random bytes in the shape of images: the speed is that of real ones, and nothing needs to be downloaded. */
export function randomImages(options: { shape: readonly number[]; train: number; test: number }): TrainTest {
  return { train: images(options.shape, options.train, 1), test: images(options.shape, options.test, 2) };
}

function images(shape: readonly number[], count: number, part: number): ArrayDataset {
  const size = shape.reduce((a, b) => a * b, 1);
  const words = new Uint32Array(Math.ceil((count * size) / 4));
  randomStream(deriveKey(rootKey(0), "random-images", part)).uint32s(words);
  return {
    name: `random ${shape.join("x")}`,
    features: { dtype: "uint8", shape: [count, ...shape], data: new Uint8Array(words.buffer, 0, count * size) },
    labels: { dtype: "uint8", shape: [count], data: Uint8Array.from({ length: count }, (_, i) => (i * 7) % 10) },
    classes: 10,
  };
}
