import { type OptimizerState, sgd, sub, type TensorTree, takeStep } from "@anabranch/engine";
import type { ClientHalf, ClientResult, LocalEnd, LocalStep, ParameterTensors } from "./algorithm.ts";
import { combine } from "./parameter-tensors.ts";

/** What a method changes in plain local SGD. */
export interface LocalRule {
  /** Where the mini-batch gradient is taken; default: at the local model. */
  at?(parameters: ParameterTensors, local: LocalStep): ParameterTensors;
  /** The direction of one step from the mini-batch gradient; default: the gradient itself. */
  direction?(gradients: ParameterTensors, parameters: ParameterTensors, local: LocalStep): ParameterTensors;
  /** What is uploaded and kept; default: `delta`, the difference of the model. */
  result?(parameters: ParameterTensors, local: LocalEnd): ClientResult;
}

interface Carry {
  readonly parameters: ParameterTensors;
  readonly optimizer: OptimizerState;
}

/**
 * K steps of SGD from the broadcast model: y <- y - eta * (direction(g(y)) + weightDecay * y), with local momentum where
 * the run asks for it. The shared inner loop of the methods that correct the gradient.
 */
export function localSgd(rule: LocalRule = {}): ClientHalf {
  return {
    begin(local, settings): TensorTree {
      const parameters = local.broadcast["parameters"]!;
      return { parameters, optimizer: sgd(settings).init(parameters) };
    },
    step(carry, local, settings) {
      const { parameters, optimizer } = carry as unknown as Carry;
      const { loss, gradients } = local.gradient(rule.at?.(parameters, local) ?? parameters);
      const direction = rule.direction?.(gradients, parameters, local) ?? gradients;
      const next = takeStep(sgd(settings), direction, optimizer, parameters, local);
      return { carry: { parameters: next.parameters, optimizer: next.state } as TensorTree, loss };
    },
    end(carry, local) {
      const { parameters } = carry as unknown as Carry;
      return rule.result?.(parameters, local) ?? { update: { delta: modelDelta(parameters, local) }, state: {} };
    },
  };
}

/** D_i = y_K - x. */
export function modelDelta(parameters: ParameterTensors, local: LocalEnd): ParameterTensors {
  return combine(sub, parameters, local.broadcast["parameters"]!);
}
