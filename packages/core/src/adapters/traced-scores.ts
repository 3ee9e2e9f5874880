/**
 * FedPipe's scores of trial adapters, while a client trains them: those of `sensitivity.ts` as traced functions. LoRA is P Lambda Q
 * with P = B^T, Q = A^T and Lambda = 1, whose gradient follows from that of B: dL/dlambda_j = sum_o B_jo dL/dB_jo.
 *
 * Citation: Z. Fang et al., "Automated Federated Pipeline for Parameter-Efficient Fine-Tuning of Large Language Models",
 * 2024, arXiv:2404.06448, section 4; Q. Zhang et al., "AdaLoRA", ICLR 2023, arXiv:2303.10512, eqs. 8 to 11, and its
 * beta1 = beta2 = 0.85.
 */
import { abs, add, mean, mul, sub, sum, type Tensor } from "@anabranch/engine";
import type { AdapterPair } from "../models/model.ts";

/** AdaLoRA's smoothing of sensitivities, and of how much they vary. */
export const SMOOTHING = { beta1: 0.85, beta2: 0.85 } as const;

/** Smoothed sensitivities of the entries of A and B and of lambda, and how much they vary, by weight. */
export type TracedSensitivity = Readonly<Record<string, PairSensitivity>>;
type Moments = { readonly mean: Tensor; readonly deviation: Tensor };
type PairSensitivity = { readonly a: Moments; readonly b: Moments; readonly lambda: Moments };
type Tensors = Readonly<Record<string, Tensor>>;

/** Nothing observed yet. */
export function unseen(pairs: readonly AdapterPair[], parameters: Tensors): TracedSensitivity {
  const none = (tensor: Tensor): Moments => ({ mean: mul(tensor, 0), deviation: mul(tensor, 0) });
  return Object.fromEntries(
    pairs.map(({ weight, a, b }) => {
      const [first, second] = [parameters[a]!, parameters[b]!];
      return [weight, { a: none(first), b: none(second), lambda: none(sum(second, outputAxes(second))) }];
    }),
  );
}

/** One more step with these gradients at these parameters. */
export function observed(
  pairs: readonly AdapterPair[],
  seen: TracedSensitivity,
  parameters: Tensors,
  gradients: Tensors,
): TracedSensitivity {
  return Object.fromEntries(
    pairs.map(({ weight, a, b }) => {
      const [first, second] = [a, b].map((name) => mul(parameters[name]!, gradients[name]!)) as [Tensor, Tensor];
      const { a: ofA, b: ofB, lambda } = seen[weight]!;
      const next = {
        a: smoothed(ofA, first),
        b: smoothed(ofB, second),
        lambda: smoothed(lambda, sum(second, outputAxes(second))),
      };
      return [weight, next];
    }),
  );
}

/** Scores of the triplets of each weight, [r]. */
export function tracedTriplets(pairs: readonly AdapterPair[], seen: TracedSensitivity): Tensors {
  return Object.fromEntries(
    pairs.map(({ weight }) => {
      const { a, b, lambda } = seen[weight]!;
      const [first, second] = [scores(a), scores(b)];
      const means = add(mean(second, outputAxes(second)), mean(first, inputAxes(first)));
      return [weight, add(scores(lambda), means)];
    }),
  );
}

/** I <- b1 I + (1 - b1) c with c = |w g|, then U <- b2 U + (1 - b2) |c - I|. */
function smoothed({ mean: before, deviation }: Moments, product: Tensor): Moments {
  const { beta1, beta2 } = SMOOTHING;
  const now = abs(product);
  const next = add(mul(before, beta1), mul(now, 1 - beta1));
  return { mean: next, deviation: add(mul(deviation, beta2), mul(abs(sub(now, next)), 1 - beta2)) };
}

const scores = ({ mean: smooth, deviation }: Moments): Tensor => mul(smooth, deviation);

/** Of A [inputs, r], or [r, inputs, size, size] of a convolution. */
const inputAxes = ({ shape }: Tensor): number[] => (shape.length === 2 ? [0] : [1, 2, 3]);
/** Of B [r, outputs], or [outputs, r, 1, 1]. */
const outputAxes = ({ shape }: Tensor): number[] => (shape.length === 2 ? [1] : [0, 2, 3]);
