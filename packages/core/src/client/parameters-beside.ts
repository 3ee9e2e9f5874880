import { mul } from "@anabranch/engine";
import type { LocalEnd, LocalStep, ParameterTensors } from "../algorithms/algorithm.ts";

/**
 * A local step of a whole model as a half sees it that knows only some of its parameters: the others, which have values of
 * their own, are filled in wherever the model is run, and gradients of them are left out.
 */
export function withParametersBeside(local: LocalStep, beside: ParameterTensors): LocalStep {
  const known = (all: ParameterTensors) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => !Object.hasOwn(beside, name)));
  return {
    ...local,
    loss: (parameters) => local.loss({ ...parameters, ...beside }),
    gradient(parameters) {
      const { loss, gradients, statistics } = local.gradient({ ...parameters, ...beside });
      return { loss, gradients: known(gradients), statistics };
    },
    hessianProduct(parameters, tangent) {
      const still = Object.fromEntries(Object.entries(beside).map(([name, value]) => [name, mul(value, 0)]));
      return known(local.hessianProduct({ ...parameters, ...beside }, { ...tangent, ...still }));
    },
    sampledGradient(parameters, uniform) {
      const { gradients, terms } = local.sampledGradient({ ...parameters, ...beside }, uniform);
      return { gradients: known(gradients), terms };
    },
    representations: (parameters) => local.representations({ ...parameters, ...beside }),
  };
}

/** The end of local training as such a half sees it. */
export function endBeside<L extends LocalEnd>(local: L, beside: ParameterTensors): L {
  return {
    ...local,
    randomOutputs: (parameters, ...given) => local.randomOutputs({ ...parameters, ...beside }, ...given),
    randomFeatures: (parameters, ...given) => local.randomFeatures({ ...parameters, ...beside }, ...given),
    representations: (parameters) => local.representations({ ...parameters, ...beside }),
  };
}
