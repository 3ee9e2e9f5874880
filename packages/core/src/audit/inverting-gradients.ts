/**
 * IG: images whose gradient has the direction of the received one and that vary little between neighbouring pixels. Adam on
 * the sign of the gradient; every pixel is clamped to its range after each step.
 *
 * Citation: J. Geiping, H. Bauermeister, H. Dröge, M. Moeller, "Inverting Gradients - How easy is it to break privacy in
 * federated learning?", NeurIPS 2020, arXiv:2003.14053, section 3. Clipping alone is no defence: the direction is what counts.
 */
import type { Executor } from "@anabranch/engine";
import type { Model } from "../models/model.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { drawExamples } from "../simulation/example-search.ts";
import { HostAdam } from "../simulation/host-adam.ts";
import type { Reconstruction } from "./deep-leakage.ts";
import { type MatchSettings, type MatchValue, openMatch, type ReceivedGradient } from "./gradient-match.ts";

/** The range of the values of an example as the network takes them: one number, or one per value. */
export interface Box {
  readonly low: ArrayLike<number>;
  readonly high: ArrayLike<number>;
}

export interface InvertingSettings extends Omit<MatchSettings, "distance" | "labels"> {
  /** Known or recovered labels, [examples]. */
  readonly labels: readonly number[];
  /** Default 600. */
  readonly iterations?: number | undefined;
  /** Starts; default 1. The one with the smallest objective counts. */
  readonly restarts?: number | undefined;
  /** First rate of Adam; default 0.1. */
  readonly rate?: number | undefined;
  /** Shares of the iterations after which the rate is a tenth; default 3/8, 5/8, 7/8. */
  readonly decays?: readonly number[] | undefined;
  /** Range of the features of one example; absent: none. */
  readonly box?: Box | undefined;
  readonly seed?: number | undefined;
  /** First examples of the first start, [B * features]; default: from N(0, 1). */
  readonly start?: Float64Array | undefined;
  /** Called before every step with the objective, and after it with the examples. */
  onStep?(value: MatchValue, examples: Float64Array): void;
}

const DECAYS = [3 / 8, 5 / 8, 7 / 8] as const;

/**
 * Searches for the images behind a gradient, or behind an update of up to five local steps.
 *
 * @throws what `openMatch` throws
 * @example
 * ```ts
 * import { interpreter } from "@anabranch/engine";
 * import { invertGradients, logistic } from "@anabranch/core";
 * const model = logistic({ input: [2], inputType: "float", classes: 2 });
 * // the gradient of the example (1, 2) with label 0
 * const received = { parameters: new Float64Array(6), gradient: Float64Array.of(-0.5, 0.5, -0.5, 0.5, -1, 1) };
 * const box = { low: [0], high: [2] };
 * const { loss } = await invertGradients(model, received, { examples: 1, labels: [0], box }, interpreter());
 * loss < 1e-2; // => true
 * ```
 */
export async function invertGradients(
  model: Model,
  received: ReceivedGradient,
  settings: InvertingSettings,
  executor: Executor,
): Promise<Reconstruction> {
  const {
    labels,
    iterations = 600,
    restarts = 1,
    rate = 0.1,
    decays = DECAYS,
    box,
    seed = 0,
    start,
    onStep,
  } = settings;
  const { examples } = settings;
  const match = await openMatch(model, received, { ...settings, distance: "cosine", labels: "given" }, executor);
  let best: { readonly x: Float64Array; readonly loss: number } | undefined;
  const keep = (x: Float64Array, loss: number) => {
    if (best === undefined || loss < best.loss) best = { x: x.slice(), loss };
  };
  try {
    for (let restart = 0; restart < restarts; restart++) {
      const drawn = drawExamples(model, { examples, labels }, deriveKey(rootKey(seed), "audit", restart));
      const x = restart === 0 && start !== undefined ? start.slice() : drawn.x;
      const adam = new HostAdam(x);
      for (let iteration = 0; iteration < iterations; iteration++) {
        const value = await match.at(x, drawn.y);
        keep(x, value.loss);
        const passed = decays.filter((share) => iteration >= share * iterations).length;
        adam.step(Float64Array.from(value.x, Math.sign), rate * 10 ** -passed);
        if (box !== undefined) clamp(x, box);
        onStep?.(value, x);
      }
      keep(x, (await match.at(x, drawn.y)).loss);
    }
  } finally {
    await match.release();
  }
  const size = best!.x.length / examples;
  const found = Array.from({ length: examples }, (_, row) => best!.x.slice(row * size, (row + 1) * size));
  return { examples: found, labels, loss: best!.loss };
}

/** Moves every value into its range, in place. */
function clamp(x: Float64Array, { low, high }: Box): void {
  for (let i = 0; i < x.length; i++) {
    x[i] = Math.min(Math.max(x[i]!, low[i % low.length]!), high[i % high.length]!);
  }
}
