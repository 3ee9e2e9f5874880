import { describe, expect, it } from "vitest";
import type { ArrayDataset } from "./index.ts";
import { transposeImages } from "./index.ts";

const images = (shape: number[]): ArrayDataset => ({
  name: "tiny",
  features: { dtype: "uint8", shape, data: Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i) },
  labels: { dtype: "uint8", shape: [shape[0]!], data: new Uint8Array(shape[0]!) },
  classes: 2,
});
const transposed = (of: ArrayDataset) => transposeImages({ train: of, test: of });

describe("transposed images", () => {
  it("have rows for columns, in every channel of every image", () => {
    const { train, test } = transposed(images([2, 2, 2, 2]));
    expect(Array.from(train.features.data)).toEqual([0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15]);
    expect(test.features).toEqual(train.features);
    expect(transposeImages({ train, test }).train).toEqual(images([2, 2, 2, 2]));
  });

  it.each([[[2, 1, 2, 3]], [[3, 4]]])("are refused for examples of shape %j", (shape) => {
    const code = expect.objectContaining({ failure: expect.objectContaining({ code: "data/transpose" }) });
    expect(() => transposed(images(shape))).toThrow(code);
  });
});
