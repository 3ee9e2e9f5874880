import { gaussNewtonBartlett, mul } from "@anabranch/engine";
import type { DrawSpec, LocalStep, ParameterTensors } from "./algorithm.ts";
import { combine } from "./parameter-tensors.ts";

/** An estimate of the Hessian's diagonal in a local step, with the random numbers it needs. */
export interface Curvature {
  readonly draws: Readonly<Record<string, DrawSpec>>;
  estimate(parameters: ParameterTensors, local: LocalStep<unknown, unknown, unknown>): ParameterTensors;
}

/** Hutchinson's: u * H u for random signs u; entries may be negative. Two gradients' work. */
export function hutchinsonProbe(every: number): Curvature {
  return {
    draws: { probe: { kind: "signs", every } },
    estimate(parameters, local) {
      const probe = local.draws.signs("probe");
      return combine(mul, probe, local.hessianProduct(parameters, probe));
    },
  };
}

/** Gauss-Newton-Bartlett: B * g * g on labels drawn from the model's own outputs. One gradient's work. */
export function gaussNewton(every: number): Curvature {
  return {
    draws: { labels: { kind: "uniform", every } },
    estimate(parameters, local) {
      const { gradients, terms } = local.sampledGradient(parameters, local.draws.uniform("labels"));
      return gaussNewtonBartlett(gradients, terms);
    },
  };
}
