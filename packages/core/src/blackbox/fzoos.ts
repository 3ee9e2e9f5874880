/**
 * FZooS: clients minimise the mean of functions that give values alone. Each follows the gradient of a Gaussian
 * process through its own queries, corrected by what the features of all clients say of the others.
 *
 * Y. Shu, X. Lin, Z. Dai, B. K. H. Low, "Federated Zeroth-Order Optimization using Trajectory-Informed Surrogate Gradients",
 * 2023. https://arxiv.org/abs/2308.04077
 *
 * A round, in two exchanges:
 *   client i: takes f_i(x);  T times: g = grad mu_i(x_i) + (grad phi w - grad phi w_i) / (t + 1);  x_i <- Adam(x_i, g),
 *     clipped to [0, 1];  takes f_i(x_i)
 *   x = mean of x_i;  client i fits w_i to all its queries;  w = mean of w_i
 *
 * Differences: the length scale is fixed, where the released code fits it in every step. That code also rejects steps by the
 * true mean of all functions, which nobody has, and takes values around x (active exploration): neither is here.
 * It is a library: clients' halves are host code, so no run uses it.
 */
import { nearestQueries, type ProcessOptions, processGradient, type Queries } from "./gaussian-process.ts";
import { featureGradient, fitFeatures, type RandomFeatures } from "./random-features.ts";

/** A function on [0, 1]^d that gives values alone. */
export type BlackBox = (x: Float64Array) => number;

export interface SurrogateSettings extends ProcessOptions {
  /** T */
  readonly localSteps: number;
  readonly learningRate: number;
  /** Of the fit of features. */
  readonly ridge: number;
  /** Queries near x that a surrogate is made of, at most. Default: 150. */
  readonly nearest?: number;
  /** False: clients follow their own surrogates alone. Default: true. */
  readonly corrected?: boolean;
}

/** What is kept between rounds. */
export interface SurrogateState {
  /** x, [d] */
  readonly x: Float64Array;
  /** Of each client. */
  readonly history: readonly Queries[];
  /** w_i of each client and their mean; absent before the first round. */
  readonly weights?: { readonly own: readonly Float64Array[]; readonly mean: Float64Array };
}

/**
 * One round; `clients` has the x_i, [clients][d]. Throws `blackbox/singular` where points are too near to each other.
 *
 * @example
 * ```ts
 * import { drawFeatures, randomStream, rootKey, surrogateRound } from "@anabranch/core";
 * const functions = [0.2, 0.6].map((b) => (x: Float64Array) => (x[0]! - b) ** 2);
 * const features = drawFeatures(1, 50, 1, randomStream(rootKey(1)));
 * const settings = { localSteps: 5, learningRate: 0.05, lengthScale: 1, jitter: 1e-6, ridge: 1e-6 };
 * const points = [0, 1].map((x) => Float64Array.of(x));
 * const history = functions.map((f) => ({ points, values: points.map(f) }));
 * const { x } = surrogateRound(functions, features, settings, { x: Float64Array.of(0.9), history });
 * x[0]! < 0.9; // => true
 * ```
 */
export function surrogateRound(
  functions: readonly BlackBox[],
  features: RandomFeatures,
  settings: SurrogateSettings,
  { x, history, weights }: SurrogateState,
): SurrogateState & { readonly clients: readonly Float64Array[] } {
  const done = functions.map((f, i) => {
    const correction = (at: Float64Array, t: number): Float64Array | undefined => {
      if (weights === undefined || settings.corrected === false) return undefined;
      const [all, own] = [weights.mean, weights.own[i]!].map((w) => featureGradient(features, w, at));
      return all!.map((value, j) => (value - own![j]!) / (t + 1));
    };
    return descend(f, x, history[i]!, settings, correction);
  });
  const own = done.map((client) => fitFeatures(features, client.queries, settings.ridge));
  const clients = done.map((client) => client.x);
  return {
    x: mean(clients),
    clients,
    history: done.map((client) => client.queries),
    weights: { own, mean: mean(own) },
  };
}

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** T steps of Adam from x. */
function descend(
  f: BlackBox,
  start: Float64Array,
  history: Queries,
  settings: SurrogateSettings,
  correction: (x: Float64Array, t: number) => Float64Array | undefined,
) {
  const { localSteps, learningRate, nearest = 150 } = settings;
  const { beta1, beta2, epsilon } = ADAM;
  let queries = asked(history, f, start);
  let x = start;
  const [m, v] = [new Float64Array(x.length), new Float64Array(x.length)];
  for (let t = 0; t < localSteps; t++) {
    const gradient = processGradient(nearestQueries(queries, x, nearest), settings, x);
    const others = correction(x, t);
    x = x.map((value, j) => {
      const g = gradient[j]! + (others?.[j] ?? 0);
      m[j] = beta1 * m[j]! + (1 - beta1) * g;
      v[j] = beta2 * v[j]! + (1 - beta2) * g * g;
      const step = m[j]! / (1 - beta1 ** (t + 1)) / (Math.sqrt(v[j]! / (1 - beta2 ** (t + 1))) + epsilon);
      return Math.min(1, Math.max(0, value - learningRate * step));
    });
    queries = asked(queries, f, x);
  }
  return { x, queries };
}

function asked({ points, values }: Queries, f: BlackBox, x: Float64Array): Queries {
  return { points: [...points, x.slice()], values: [...values, f(x)] };
}

function mean(vectors: readonly Float64Array[]): Float64Array {
  return vectors[0]!.map((_, j) => vectors.reduce((sum, vector) => sum + vector[j]!, 0) / vectors.length);
}
