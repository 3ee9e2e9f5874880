/**
 * The quantile of values, between two by linear interpolation.
 *
 * @param share in [0, 1]
 * @example
 * ```ts
 * import { quantile } from "@anabranch/core";
 * quantile([3, 1, 2], 0.25); // => 1.5
 * ```
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}

/**
 * AutoFLIP's mask: 1 where the guidance of loss exploration is above its quantile over all tensors together, else 0. With
 * nothing to prune everything is kept.
 *
 * C. Interno, E. Raponi, N. van Stein, T. Bäck, M. Olhofer, Y. Jin, B. Hammer, "Automated Federated Learning via Informed
 * Pruning", 2024, arXiv:2405.10271.
 *
 * @param guidance [d], see `guidanceFrom`
 * @param pruned share of the entries to prune
 *
 * @example
 * ```ts
 * import { explorationMask } from "@anabranch/core";
 * explorationMask([0.1, 0.9, 0.5, 0.7], 0.5).mask; // => [0, 1, 0, 1]
 * ```
 */
export function explorationMask(
  guidance: ArrayLike<number>,
  pruned: number,
): { readonly threshold: number; readonly mask: Uint8Array } {
  const values = Array.from(guidance);
  const threshold = quantile(values, pruned);
  const mask = Uint8Array.from(values, (value) => (pruned === 0 || value > threshold ? 1 : 0));
  return { threshold, mask };
}

/** Masks of one layer: weight [out][in], bias [out]. */
export interface LayerMask {
  /** Inputs in a row that belong to one unit of the layer before: a flattened channel has several. Default 1. */
  readonly each?: number;
  readonly weight: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

/** A share that misses the bound by rounding alone counts as the bound. */
const SLACK = 1e-12;

/**
 * Hidden units most of whose incoming weights are masked are dropped: their rows, their biases and the columns of the
 * next layer become 0. Units of the last layer stay.
 *
 * @param layers masks from the first layer to the last
 * @param dropShare share of masked incoming weights from which on a unit goes
 *
 * @example
 * ```ts
 * import { structuredMask } from "@anabranch/core";
 * const hidden = { weight: [[0, 0], [1, 0]], bias: [1, 1] };
 * const output = { weight: [[1, 1]], bias: [1] };
 * const { dropped, layers } = structuredMask([hidden, output], 0.9);
 * dropped; // => [[0]]
 * layers[1]?.weight; // => [[0, 1]]
 * ```
 */
export function structuredMask(
  layers: readonly LayerMask[],
  dropShare: number,
): { readonly dropped: readonly (readonly number[])[]; readonly layers: readonly LayerMask[] } {
  const dropped = layers.slice(0, -1).map(({ weight }) =>
    weight.flatMap((row, unit) => {
      const masked = row.filter((kept) => kept === 0).length;
      return masked / row.length >= dropShare - SLACK ? [unit] : [];
    }),
  );
  const masked = layers.map(({ weight, bias, each = 1 }, layer) => {
    const [rows, columns] = [dropped[layer], dropped[layer - 1]].map((units) => new Set(units)) as [
      Set<number>,
      Set<number>,
    ];
    return {
      weight: weight.map((row, i) =>
        row.map((kept, j) => (rows.has(i) || columns.has(Math.floor(j / each)) ? 0 : kept)),
      ),
      bias: bias.map((kept, i) => (rows.has(i) ? 0 : kept)),
    };
  });
  return { dropped, layers: masked };
}

/**
 * AutoFLIP's server step: with the mean of masked models by numbers of examples, v <- beta v + (1 - beta) (mean - w) and
 * w <- mask (w + v).
 *
 * change: mean - w, [d]
 * @param options the mask is [d], of 0 and 1
 *
 * @example
 * ```ts
 * import { maskedMomentumStep } from "@anabranch/core";
 * const step = maskedMomentumStep([1, 1], [0, 0], { change: [4, 4], mask: [1, 0], momentum: 0.5 });
 * step.parameters; // => [3, 0]
 * ```
 */
export function maskedMomentumStep(
  parameters: ArrayLike<number>,
  velocity: ArrayLike<number>,
  {
    change,
    mask,
    momentum,
  }: { readonly change: ArrayLike<number>; readonly mask: ArrayLike<number>; readonly momentum: number },
): { readonly parameters: Float64Array; readonly velocity: Float64Array } {
  const next = Float64Array.from(velocity, (v, j) => momentum * v + (1 - momentum) * change[j]!);
  return { velocity: next, parameters: next.map((v, j) => mask[j]! * (parameters[j]! + v)) };
}
