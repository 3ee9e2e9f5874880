import type { Initializer } from "./module.ts";

/**
 * Zeros, for biases.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.zeros; // => { kind: "zeros" }
 * ```
 */
export const zeros: Initializer = { kind: "zeros" };
/**
 * Ones, for the scales of normalizations.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.ones; // => { kind: "ones" }
 * ```
 */
export const ones: Initializer = { kind: "ones" };

/**
 * Normal values with mean 0 and this standard deviation.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.normal(0.02); // => { kind: "normal", deviation: 0.02 }
 * ```
 */
export function normal(deviation: number): Initializer {
  return { kind: "normal", deviation };
}

/**
 * Uniform values in (-limit, limit).
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.uniform(0.1); // => { kind: "uniform", limit: 0.1 }
 * ```
 */
export function uniform(limit: number): Initializer {
  return { kind: "uniform", limit };
}

/**
 * U(-l, l) with l = sqrt(6 / (fanIn + fanOut)); Keras' default.
 * X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010, eq. 16.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.glorotUniform(3, 3); // => { kind: "uniform", limit: 1 }
 * ```
 */
export function glorotUniform(fanIn: number, fanOut: number): Initializer {
  return uniform(Math.sqrt(6 / (fanIn + fanOut)));
}

/**
 * U(-l, l) with l = 1 / sqrt(fanIn): PyTorch's default for weights (kaiming_uniform with a = sqrt(5)) and biases of linear
 * and convolution layers.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.kaimingUniform(4); // => { kind: "uniform", limit: 0.5 }
 * ```
 */
export function kaimingUniform(fanIn: number): Initializer {
  return uniform(1 / Math.sqrt(fanIn));
}

/**
 * U(-l, l) with l = sqrt(6 / fanIn), for layers followed by relu.
 * K. He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852, eq. 10.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.heUniform(6); // => { kind: "uniform", limit: 1 }
 * ```
 */
export function heUniform(fanIn: number): Initializer {
  return uniform(Math.sqrt(6 / fanIn));
}

/** How a layer draws its weights and its bias from its fans. */
export interface Initialization {
  weight(fanIn: number, fanOut: number): Initializer;
  bias(fanIn: number): Initializer;
}

/**
 * PyTorch's defaults.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.torchInitialization.weight(4, 2); // => { kind: "uniform", limit: 0.5 }
 * ```
 */
export const torchInitialization: Initialization = { weight: (fanIn) => kaimingUniform(fanIn), bias: kaimingUniform };
/**
 * Keras' defaults.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.glorotInitialization.bias(4); // => { kind: "zeros" }
 * ```
 */
export const glorotInitialization: Initialization = { weight: glorotUniform, bias: () => zeros };
/**
 * GPT-2's: normal weights of deviation 0.02, zero biases.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * nn.normalInitialization.weight(4, 2); // => { kind: "normal", deviation: 0.02 }
 * ```
 */
export const normalInitialization: Initialization = { weight: () => normal(0.02), bias: () => zeros };
