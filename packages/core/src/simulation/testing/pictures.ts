import type { ArrayDataset } from "../../data/index.ts";

/** So many tiny pictures of three classes. */
export const pictures = (n: number): ArrayDataset => ({
  name: "pictures",
  features: {
    dtype: "float",
    shape: [n, 1, 4, 4],
    data: Float32Array.from({ length: 16 * n }, (_, i) => Math.sin(i * i)),
  },
  labels: { dtype: "uint8", shape: [n], data: Uint8Array.from({ length: n }, (_, i) => (i * i) % 3) },
  classes: 3,
});
