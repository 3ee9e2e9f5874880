import type { Initializer } from "./module.ts";

export const zeros: Initializer = { kind: "zeros" };
export const ones: Initializer = { kind: "ones" };

export function normal(deviation: number): Initializer {
  return { kind: "normal", deviation };
}

export function uniform(limit: number): Initializer {
  return { kind: "uniform", limit };
}

/**
 * U(-l, l) with l = sqrt(6 / (fanIn + fanOut)); Keras' default.
 * X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010, eq. 16.
 */
export function glorotUniform(fanIn: number, fanOut: number): Initializer {
  return uniform(Math.sqrt(6 / (fanIn + fanOut)));
}

/**
 * U(-l, l) with l = 1 / sqrt(fanIn): PyTorch's default for weights (kaiming_uniform with a = sqrt(5)) and biases of linear
 * and convolution layers.
 */
export function kaimingUniform(fanIn: number): Initializer {
  return uniform(1 / Math.sqrt(fanIn));
}

/**
 * U(-l, l) with l = sqrt(6 / fanIn), for layers followed by relu.
 * K. He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852, eq. 10.
 */
export function heUniform(fanIn: number): Initializer {
  return uniform(Math.sqrt(6 / fanIn));
}

/** How a layer draws its weights and its bias from its fans. */
export interface Initialization {
  weight(fanIn: number, fanOut: number): Initializer;
  bias(fanIn: number): Initializer;
}

/** PyTorch's defaults. */
export const torchInitialization: Initialization = { weight: (fanIn) => kaimingUniform(fanIn), bias: kaimingUniform };
/** Keras' defaults. */
export const glorotInitialization: Initialization = { weight: glorotUniform, bias: () => zeros };
/** GPT-2's: normal weights of deviation 0.02, zero biases. */
export const normalInitialization: Initialization = { weight: () => normal(0.02), bias: () => zeros };
