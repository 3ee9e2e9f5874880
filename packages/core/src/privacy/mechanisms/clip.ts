import { AnabranchError } from "@anabranch/engine";
import { entryView, type Layout, norm2, type Vector } from "../../params/index.ts";
import type { Clipping } from "./settings.ts";

type Vectors = Readonly<Record<string, Vector>>;

/**
 * L2 norm over all vectors together. Throws `privacy/not-finite`: a NaN would pass every comparison with a bound.
 *
 * @example
 * ```ts
 * import { jointNorm } from "@anabranch/core";
 * jointNorm({ delta: Float32Array.of(3), control: Float32Array.of(4) }); // => 5
 * ```
 */
export function jointNorm(vectors: Vectors): number {
  const norm = Math.hypot(...Object.values(vectors).map(norm2));
  if (Number.isFinite(norm)) return norm;
  throw new AnabranchError({
    code: "privacy/not-finite",
    message: "an update that is not finite cannot be clipped",
    received: `norm ${norm}`,
    expected: "a finite norm",
    advice: "Lower training.learningRate, or set training.gradientClip.",
  });
}

/**
 * Bounds the norm of the whole update by `bound`, in place, and tells whether it was within its bounds before:
 *
 *   flat:              D <- D min(1, C / |D|), the norm over all parameters together
 *   per-layer:         D_l <- D_l min(1, C_l / |D_l|), C_l = C / sqrt(L), for L tensors
 *   per-layer-by-size: the same with C_l = C sqrt(d_l / d), so that sum_l C_l^2 = C^2 either way
 *
 * H. B. McMahan, D. Ramage, K. Talwar, L. Zhang, ICLR 2018, arXiv:1710.06963; by size: M. Pelikan et al., NeurIPS 2025,
 * arXiv:2310.00098. Throws `privacy/not-finite`.
 *
 * @example
 * ```ts
 * import { clipUpdate, layout } from "@anabranch/core";
 * const update = { delta: Float32Array.of(3, 4) };
 * const delta = layout([{ name: "w", shape: [2], role: "vector", block: "w" }]);
 * clipUpdate(update, { delta }, 1, "flat"); // => false
 * update.delta; // => [0.6, 0.8]
 * ```
 */
export function clipUpdate(
  vectors: Vectors,
  layouts: Readonly<Record<string, Layout>>,
  bound: number,
  clipping: Clipping,
): boolean {
  const norm = jointNorm(vectors);
  if (clipping === "flat") {
    if (norm <= bound) return true;
    for (const vector of Object.values(vectors)) scale(vector, bound, norm);
    return false;
  }
  const layers = Object.entries(vectors).flatMap(([name, vector]) =>
    layouts[name]!.entries.map((entry) => entryView(vector, entry)),
  );
  const bounds = layerBounds(
    layers.map(({ length }) => length),
    bound,
    clipping,
  );
  const within = layers.map((layer, l) => {
    const size = norm2(layer);
    if (size <= bounds[l]!) return true;
    scale(layer, bounds[l]!, size);
    return false;
  });
  return within.every((kept) => kept);
}

/**
 * C_l of every layer; their squares sum to C^2.
 *
 * @example
 * ```ts
 * import { layerBounds } from "@anabranch/core";
 * layerBounds([4, 4], 1, "per-layer"); // => [0.70711, 0.70711]
 * ```
 */
export function layerBounds(
  sizes: readonly number[],
  bound: number,
  clipping: Exclude<Clipping, "flat">,
): readonly number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return sizes.map((size) => bound * Math.sqrt(clipping === "per-layer" ? 1 / sizes.length : size / total));
}

function scale(vector: Vector, bound: number, norm: number): void {
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i]! * bound) / norm;
}
