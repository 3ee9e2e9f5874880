import { AnabranchError } from "@anabranch/engine";
import type { ArrayDataset } from "./dataset.ts";
import type { TrainTest } from "./split.ts";

/**
 * Images with rows and columns exchanged, in both sets: another task on the same images, for a model that is to be adapted
 * to upright ones.
 *
 * @throws `data/transpose` where examples are no square images [channels, n, n]
 * @example
 * ```ts
 * import { rootKey, syntheticDataset, transposeImages } from "@anabranch/core";
 * const train = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 });
 * const { data } = transposeImages({ train, test: train }).train.features;
 * data[1] === train.features.data[8]; // => true
 * ```
 */
export function transposeImages(data: TrainTest): TrainTest {
  return { ...data, train: transposed(data.train), test: transposed(data.test) };
}

function transposed(images: ArrayDataset): ArrayDataset {
  const { shape, data } = images.features;
  const [, , rows, columns] = shape;
  if (shape.length !== 4 || rows !== columns) throw noSquares(images.name, shape.slice(1));
  const side = rows!;
  const turned = data.slice();
  for (let i = 0; i < turned.length; i++) {
    const [row, column] = [Math.floor(i / side) % side, i % side];
    turned[i] = data[i + (column - row) * side + (row - column)]!;
  }
  return { ...images, features: { ...images.features, data: turned } };
}

function noSquares(name: string, shape: readonly number[]): AnabranchError {
  return new AnabranchError({
    code: "data/transpose",
    message: "only square images can be transposed",
    where: `data.transpose, data set ${name}`,
    received: `examples of shape [${shape.join(", ")}]`,
    expected: "[channels, n, n]",
    advice: "Remove data.transpose, or choose square images.",
  });
}
