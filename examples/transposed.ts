/** Fashion-MNIST, 10,000 images of it, with rows and columns exchanged: a first task for a model that is adapted to upright ones. */
import { readFile } from "node:fs/promises";
import { type ArrayDataset, assetUrl, loadFashionMnist10k, type TrainTest } from "@anabranch/core";

const SIDE = 28;

function transposed(images: ArrayDataset): ArrayDataset {
  const { shape, data } = images.features;
  const turned = Uint8Array.from(data, (_, i) => {
    const [row, column] = [Math.floor(i / SIDE) % SIDE, i % SIDE];
    return data[i + (column - row) * SIDE + (row - column)]!;
  });
  return { ...images, name: "transposed", features: { dtype: "uint8", shape, data: turned } };
}

export default async function load(): Promise<TrainTest> {
  const { train, test } = await loadFashionMnist10k((file) => readFile(assetUrl(file)));
  return { train: transposed(train), test: transposed(test), testRows: "separate" };
}
