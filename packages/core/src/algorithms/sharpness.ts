import { add, div, globalNorm, mul, square } from "@anabranch/engine";
import type { LocalStep, ParameterTensors } from "./algorithm.ts";
import { combine } from "./parameter-tensors.ts";

/** Keeps a zero gradient from dividing by zero. */
const TINY = 1e-12;

/**
 * The sharpness-aware perturbation of y along g, with the norm over all parameters together:
 *
 *   e = rho * g / (|g| + 1e-12);  adaptive: e = rho * y^2 * g / (|y * g| + 1e-12)
 *
 * P. Foret, A. Kleiner, H. Mobahi, B. Neyshabur, ICLR 2021, arXiv:2010.01412; adaptive: J. Kwon, J. Kim, H. Park, I. Choi,
 * ICML 2021, arXiv:2102.11600.
 *
 * @returns y + e
 */
export function perturbed(y: ParameterTensors, g: ParameterTensors, rho: number, adaptive = false): ParameterTensors {
  const scaled = adaptive ? combine((yj, gj) => mul(yj, gj), y, g) : g;
  const factor = div(rho, add(globalNorm(scaled), TINY));
  return combine((yj, gj) => add(yj, mul(adaptive ? mul(square(yj), gj) : gj, factor)), y, g);
}

/** The gradient of the same batch at the perturbed y, from that at y; the latter where rho is 0. A direction of local SGD. */
export function sharpnessAware(rho: number, adaptive = false) {
  return (g: ParameterTensors, y: ParameterTensors, local: Pick<LocalStep, "gradient">): ParameterTensors =>
    rho === 0 ? g : local.gradient(perturbed(y, g, rho, adaptive)).gradients;
}
