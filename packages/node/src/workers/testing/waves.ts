import type { ArrayDataset } from "@anabranch/core";
import { onnxruntimeNode } from "@anabranch/engine";

/** The executor of tests that compare threads with the process, and what a prepared run says of it. */
export const executor = await onnxruntimeNode();
export const identity = { name: executor.name, version: executor.version, fingerprint: "", float: executor.float };

/** n examples of a shape, of three classes. */
export function waves(n: number, shape: readonly number[]): ArrayDataset {
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    name: "waves",
    features: {
      dtype: "float",
      shape: [n, ...shape],
      data: Float32Array.from({ length: size * n }, (_, i) => Math.sin(i * i)),
    },
    labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => i % 3) },
    classes: 3,
  };
}
