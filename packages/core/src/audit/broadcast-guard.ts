/**
 * Looks for layers that a server has made to read examples off the gradient. Imprint layers have rows that are all parallel,
 * one measurement of the input, and biases at the edges of its bins, often in equal steps. Trained layers have neither.
 *
 * Citation: L. Fowl et al., "Robbing the Fed", ICLR 2022, arXiv:2110.13057; the guard is described by P. Guo et al., "Exploring
 * the Vulnerabilities of Federated Learning: A Deep Dive into Gradient Inversion Attacks", 2025, arXiv:2503.11514.
 */
import { AnabranchError } from "@anabranch/engine";
import type { Layout } from "../params/layout.ts";
import { dot, type Vector } from "../params/vector.ts";
import { layerGradient } from "./model-view.ts";

/** Rows are parallel from this |cosine| on. */
const PARALLEL = 1 - 1e-6;
/** Most that second differences of a ladder are, as a share of its range. */
const LADDER = 1e-6;
/** Inputs that a layer needs: few of them are parallel by chance. */
const LEAST_INPUTS = 24;

/**
 * Whether two rows that are not zero are parallel: |cosine| >= 1 - 1e-6. Pairs whose projections on two directions differ are
 * not compared, so that a layer of n rows takes much less than n^2 products.
 *
 * @example
 * ```ts
 * import { hasParallelRows } from "@anabranch/core";
 * hasParallelRows([[1, 2], [3, 1], [-2, -4]]); // => true
 * ```
 */
export function hasParallelRows(rows: readonly ArrayLike<number>[]): boolean {
  const units = rows.flatMap((row) => unitOf(row) ?? []);
  const size = units[0]?.length ?? 0;
  const [first, second] = [1, 2].map((turn) => shadowsOf(units, size, turn)) as [Float64Array, Float64Array];
  const order = units.map((_, i) => i).sort((a, b) => first[a]! - first[b]!);
  // parallel units differ by at most this, up to their sign
  const near = Math.sqrt(2 * (1 - PARALLEL)) * (1 + 1e-6);
  return order.some((i, place) => {
    for (let other = place + 1; other < order.length; other++) {
      const j = order[other]!;
      if (first[j]! - first[i]! > near) return false;
      if (Math.abs(second[j]! - second[i]!) > near) continue;
      if (Math.abs(dot(units[i]!, units[j]!)) >= PARALLEL) return true;
    }
    return false;
  });
}

/** Sizes of the projections of unit rows on a fixed direction that no usual layer has. */
function shadowsOf(units: readonly Float64Array[], size: number, turn: number): Float64Array {
  const direction = new Float64Array(size);
  for (let i = 0; i < size; i++) direction[i] = Math.sin(turn + 7.3 * turn * i + 0.01 * i * i);
  const probe = unitOf(direction) ?? direction;
  return Float64Array.from(units, (unit) => Math.abs(dot(unit, probe)));
}

/**
 * Whether a bias of three or more entries has equal steps in the order given, and is not constant.
 *
 * @example
 * ```ts
 * import { isBiasLadder } from "@anabranch/core";
 * isBiasLadder([-0.1, -0.2, -0.3]); // => true
 * isBiasLadder([-0.1, -0.2, -0.4]); // => false
 * ```
 */
export function isBiasLadder(bias: ArrayLike<number>): boolean {
  const values = Array.from(bias);
  const range =
    values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) -
    values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  if (values.length < 3 || !(range > 0)) return false;
  return values.every((value, i) => i < 2 || Math.abs(value - 2 * values[i - 1]! + values[i - 2]!) <= LADDER * range);
}

/** What the guard has found in one layer. */
export interface SuspectLayer {
  readonly block: string;
  readonly parallelRows: boolean;
  readonly biasLadder: boolean;
}

/**
 * The dense layers of a model that look made to read off examples. Heads are not looked at, as those of two classes have
 * opposite rows by nature, nor layers with fewer than 24 inputs, whose rows are parallel by chance.
 *
 * @param parameters [d]
 * @example
 * ```ts
 * import { layout, mlp, suspectLayers } from "@anabranch/core";
 * const of = layout(mlp({ input: [30], inputType: "float", hidden: [4], classes: 2 }).parameters);
 * const parameters = new Float64Array(of.size).fill(1);
 * suspectLayers(parameters, of); // => [{ block: "dense1", parallelRows: true, biasLadder: false }]
 * ```
 */
export function suspectLayers(parameters: Vector, layout: Layout): SuspectLayer[] {
  const heads = new Set(layout.entries.filter(({ role }) => role === "head").map(({ block }) => block));
  return layout.blocks.flatMap((block) => {
    const layer = heads.has(block) ? undefined : layerGradient(parameters, layout, block);
    if (layer === undefined || layer.weights[0]!.length < LEAST_INPUTS) return [];
    const parallelRows = hasParallelRows(layer.weights);
    const biasLadder = layer.bias !== undefined && isBiasLadder(layer.bias);
    return parallelRows || biasLadder ? [{ block, parallelRows, biasLadder }] : [];
  });
}

/**
 * Refuses a model with a layer that looks made to read off examples. Throws `client/malicious-layer`.
 *
 * @example
 * ```ts
 * import { initialParameters, layout, mlp, requireHonestLayers, rootKey } from "@anabranch/core";
 * const model = mlp({ input: [30], inputType: "float", hidden: [4], classes: 2 });
 * const parameters = initialParameters(model.parameters, rootKey(1));
 * requireHonestLayers(parameters, layout(model.parameters)); // throws client/malicious-layer for parallel rows
 * ```
 */
export function requireHonestLayers(parameters: Vector, layout: Layout): void {
  const [found] = suspectLayers(parameters, layout);
  if (found === undefined) return;
  const signs = [
    ...(found.parallelRows ? ["parallel rows"] : []),
    ...(found.biasLadder ? ["biases in equal steps"] : []),
  ];
  throw new AnabranchError({
    code: "client/malicious-layer",
    message: "the model has a layer that could copy examples into the update",
    where: `layer ${found.block}`,
    received: signs.join(" and "),
    expected: "rows and biases as training leaves them",
    advice: "Ask the operator of the server where this model is from. --allow-any-model takes part all the same.",
  });
}

/**
 * Cosine between two broadcasts over all their values; NaN where one is zero.
 *
 * @example
 * ```ts
 * import { broadcastCosine } from "@anabranch/core";
 * broadcastCosine([1, 0], [3, 0]); // => 1
 * ```
 */
export function broadcastCosine(now: ArrayLike<number>, last: ArrayLike<number>): number {
  return dot(now, last) / (normOf(now) * normOf(last));
}

function unitOf(row: ArrayLike<number>): Float64Array | undefined {
  const unit = new Float64Array(row.length);
  unit.set(row);
  const norm = normOf(unit);
  if (!(norm > 0)) return undefined;
  for (let i = 0; i < unit.length; i++) unit[i]! /= norm;
  return unit;
}

/**
 * L2 norm of a list of numbers.
 *
 * @example
 * ```ts
 * import { normOf } from "@anabranch/core";
 * normOf([3, 4]); // => 5
 * ```
 */
export function normOf(values: ArrayLike<number>): number {
  return Math.sqrt(dot(values, values));
}
