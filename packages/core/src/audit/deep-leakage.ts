/**
 * DLG and iDLG: dummy examples and labels whose gradient is the received one, by L-BFGS on the squared distance. iDLG reads the
 * labels off the last layer first and searches for the examples alone.
 *
 * Citations: L. Zhu, Z. Liu, S. Han, "Deep Leakage from Gradients", NeurIPS 2019, arXiv:1906.08935; B. Zhao, K. R. Mopuri, H.
 * Bilen, "iDLG", 2020, arXiv:2001.02610. Differences: a line search in place of steps of 1; several starts, of which the one
 * with the smallest distance counts, never one chosen by the truth.
 */
import { AnabranchError, type Executor } from "@anabranch/engine";
import type { Model } from "../models/model.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { drawExamples } from "../simulation/example-search.ts";
import { type MatchSettings, openMatch, type ReceivedGradient } from "./gradient-match.ts";
import { lbfgs } from "./lbfgs.ts";
import { nonSmoothParts } from "./model-view.ts";

export interface DeepLeakageSettings extends Pick<MatchSettings, "examples" | "onSupport"> {
  /** Known or recovered labels, [examples]; absent: searched for (DLG). */
  readonly labels?: readonly number[] | undefined;
  /** Default 150. */
  readonly iterations?: number | undefined;
  /** Starts; default 2. */
  readonly restarts?: number | undefined;
  /** Distance at which no more is searched; default 1e-12. */
  readonly goal?: number | undefined;
  readonly seed?: number | undefined;
}

/** What a search has found. */
export interface Reconstruction {
  /** One example per row, [B][features], as the network takes them. */
  readonly examples: readonly Float64Array[];
  /** [B]; of a search for labels as well, its most probable classes. */
  readonly labels: readonly number[];
  /** The objective at these examples. */
  readonly loss: number;
}

/**
 * Searches for the examples behind a gradient.
 *
 * @throws `audit/not-smooth` for models with relu, max pooling and the like; what `openMatch` throws
 * @example
 * ```ts
 * import { interpreter } from "@anabranch/engine";
 * import { deepLeakage, logistic } from "@anabranch/core";
 * const model = logistic({ input: [2], inputType: "float", classes: 2 });
 * // the gradient of the example (1, 2) with label 0
 * const received = { parameters: new Float64Array(6), gradient: Float64Array.of(-0.5, 0.5, -0.5, 0.5, -1, 1) };
 * const found = await deepLeakage(model, received, { examples: 1, labels: [0] }, interpreter());
 * found.examples[0]!.map(Math.round); // => [1, 2]
 * ```
 */
export async function deepLeakage(
  model: Model,
  received: ReceivedGradient,
  { labels, iterations = 150, restarts = 2, goal = 1e-12, seed = 0, ...rest }: DeepLeakageSettings,
  executor: Executor,
): Promise<Reconstruction> {
  requireSmooth(model);
  const settings = { ...rest, distance: "squared", labels: labels === undefined ? "soft" : "given" } as const;
  const match = await openMatch(model, received, settings, executor);
  let best: { readonly point: Float64Array; readonly loss: number } | undefined;
  const { examples } = rest;
  const drawn = labels === undefined ? { examples } : { examples, labels };
  try {
    for (let start = 0; start < restarts && !(best !== undefined && best.loss <= goal); start++) {
      const first = drawExamples(model, drawn, deriveKey(rootKey(seed), "audit", start));
      const size = first.x.length;
      const split = (point: Float64Array) =>
        labels === undefined ? ([point.slice(0, size), point.slice(size)] as const) : ([point, first.y] as const);
      const slope = async (point: Float64Array) => {
        const { loss, x, y } = await match.at(...split(point));
        return { loss, gradient: y === undefined ? x : [...Array.from(x), ...Array.from(y)] };
      };
      const begin = labels === undefined ? Float64Array.of(...first.x, ...first.y) : first.x;
      const found = await lbfgs(slope, begin, { iterations, goal });
      if (best === undefined || found.loss < best.loss) best = found;
    }
  } finally {
    await match.release();
  }
  return split(model, examples, best!.point, best!.loss, labels);
}

function split(
  model: Model,
  count: number,
  point: Float64Array,
  loss: number,
  known: readonly number[] | undefined,
): Reconstruction {
  const size = model.features.shape.reduce((a, b) => a * b, 1);
  const examples = Array.from({ length: count }, (_, row) => point.slice(row * size, (row + 1) * size));
  const labels = known ?? Array.from({ length: count }, (_, row) => classOf(point, count * size, row, model.classes));
  return { examples, labels, loss };
}

function classOf(point: Float64Array, offset: number, row: number, classes: number): number {
  const own = point.subarray(offset + row * classes, offset + (row + 1) * classes);
  return own.reduce((best, value, label) => (value > own[best]! ? label : best), 0);
}

function requireSmooth(model: Model): void {
  const parts = nonSmoothParts(model);
  if (parts.length === 0) return;
  throw new AnabranchError({
    code: "audit/not-smooth",
    message: "DLG needs second derivatives, which this model does not have everywhere",
    where: `model ${model.name}`,
    received: parts.join(", "),
    expected: "a smooth model, e.g. mlp with activation sigmoid",
    advice: "Use --attack ig, which goes by the signs of gradients, or --attack fc.",
  });
}
