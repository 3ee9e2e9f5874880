/** Softmax regression in plain loops on the shipped images: what the functions of fzoos.ts are made of. */
import { loadDataset } from "@anabranch/node";

export interface Examples {
  /** [n][inputs], 0 to 1 */
  readonly images: readonly Float64Array[];
  readonly labels: readonly number[];
}

export const CLASSES = 10;
const SIDE = 28;

/** Shares of the shipped training images, of which each has twice as many of two classes, and as many test images. */
export async function clientExamples(clients: number, each: number): Promise<readonly Examples[]> {
  const { train } = await loadDataset("fashion-mnist-10k");
  const { features, labels } = train;
  const pixels = SIDE * SIDE;
  const rows = Array.from({ length: features.shape[0]! }, (_, row) => row);
  return Array.from({ length: clients }, (_, client) => {
    const isOwn = (row: number) => Math.floor(labels.data[row]! / 2) === client % 5;
    const mine = rows.filter((row) => row % clients === client);
    const chosen = [...mine.filter(isOwn), ...mine.filter((row) => !isOwn(row)).slice(0, each / 2)].slice(0, each);
    return {
      images: chosen.map((row) =>
        Float64Array.from(
          features.data.subarray(row * pixels, (row + 1) * pixels) as ArrayLike<number>,
          (v) => v / 255,
        ),
      ),
      labels: chosen.map((row) => labels.data[row]!),
    };
  });
}

/** Images of 28 x 28 as means over squares, side x side of them. */
export function coarse({ images, labels }: Examples, side: number): Examples {
  const block = Math.ceil(SIDE / side);
  const pooled = images.map((image) => {
    const sums = new Float64Array(side * side);
    for (const [i, value] of image.entries()) {
      const [y, x] = [Math.floor(i / SIDE / block), Math.floor((i % SIDE) / block)];
      sums[y * side + x]! += value / (block * block);
    }
    return sums;
  });
  return { images: pooled, labels };
}

/** Logits [classes] of weights [classes * (inputs + 1)], the bias last. */
export function logits(weights: ArrayLike<number>, image: Float64Array): Float64Array {
  const width = image.length + 1;
  return Float64Array.from({ length: CLASSES }, (_, c) => {
    let sum = weights[c * width + image.length]!;
    for (let i = 0; i < image.length; i++) sum += weights[c * width + i]! * image[i]!;
    return sum;
  });
}

/** Weights after some epochs of gradient steps on single examples. */
export function trained({ images, labels }: Examples, epochs: number, learningRate: number): Float64Array {
  const width = images[0]!.length + 1;
  const weights = new Float64Array(CLASSES * width);
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const [row, image] of images.entries()) {
      const scores = logits(weights, image);
      const most = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - most));
      const total = powers.reduce((a, b) => a + b, 0);
      for (let c = 0; c < CLASSES; c++) {
        const error = powers[c]! / total - (labels[row] === c ? 1 : 0);
        for (let i = 0; i < width; i++) weights[c * width + i]! -= learningRate * error * (image[i] ?? 1);
      }
    }
  }
  return weights;
}
