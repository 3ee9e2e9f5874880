import type { Image } from "./image.ts";

/** Size of an image in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/**
 * An image of another size, by area: each pixel is the mean of the part of the image that it covers, rounded to the nearest
 * integer (halves up). Width and height are scaled apart. All sums are integers below 2^53, so the result is exact.
 *
 * @example
 * ```ts
 * import { resizeImage } from "@anabranch/core";
 * const image = { channels: 1, width: 2, height: 1, data: Uint8Array.of(10, 30) } as const;
 * [...resizeImage(image, { width: 1, height: 1 }).data]; // => [20]
 * ```
 */
export function resizeImage(image: Image, { width, height }: ImageSize): Image {
  if (image.width === width && image.height === height) return image;
  const total = image.width * image.height;
  const columns = coverings(image.width, width);
  const rows = coverings(image.height, height);
  const data = new Uint8Array(image.channels * width * height);
  const sums = new Float64Array(width);
  for (let channel = 0; channel < image.channels; channel++) {
    const plane = image.data.subarray(channel * total, (channel + 1) * total);
    for (const [y, vertical] of rows.entries()) {
      sums.fill(0);
      for (const { at, weight } of vertical) {
        const line = plane.subarray(at * image.width, (at + 1) * image.width);
        for (const [x, horizontal] of columns.entries()) {
          let sum = 0;
          for (const part of horizontal) sum += part.weight * line[part.at]!;
          sums[x] = sums[x]! + weight * sum;
        }
      }
      const start = (channel * height + y) * width;
      // the weights of a pixel add up to `total`
      for (let x = 0; x < width; x++) data[start + x] = Math.floor((2 * sums[x]! + total) / (2 * total));
    }
  }
  return { channels: image.channels, height, width, data };
}

interface Part {
  readonly at: number;
  readonly weight: number;
}

/** For each of `to` pixels the pixels of `from` that it covers, with weights that add up to `from`. */
function coverings(from: number, to: number): Part[][] {
  return Array.from({ length: to }, (_, i) => {
    const [start, end] = [i * from, (i + 1) * from]; // where a pixel of the source is `to` long
    const parts: Part[] = [];
    for (let at = Math.floor(start / to); at * to < end; at++) {
      parts.push({ at, weight: Math.min(end, (at + 1) * to) - Math.max(start, at * to) });
    }
    return parts;
  });
}
