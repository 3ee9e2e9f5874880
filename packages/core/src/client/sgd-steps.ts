import { type OptimizerState, scan, sgd, type TensorTree, takeStep } from "@anabranch/engine";
import type { LocalSettings, ParameterTensors } from "../algorithms/algorithm.ts";
import type { StepInputs } from "./step-gradients.ts";

/** What the steps carry. */
interface Trained {
  readonly parameters: ParameterTensors;
  readonly optimizer: OptimizerState;
}

/** Steps of local SGD before those of the method, from these values; statistics stay as they are. */
export function sgdSteps(
  start: ParameterTensors,
  steps: TensorTree,
  settings: LocalSettings,
  gradient: (parameters: ParameterTensors, step: StepInputs) => ParameterTensors,
): ParameterTensors {
  const rule = sgd(settings);
  const { carry } = scan(
    ({ parameters, optimizer }: Trained, slice: TensorTree) => {
      const step = slice as unknown as StepInputs;
      const next = takeStep(rule, gradient(parameters, step), optimizer, parameters, step);
      return { carry: { parameters: next.parameters, optimizer: next.state }, output: {} };
    },
    { parameters: start, optimizer: rule.init(start) },
    steps,
  );
  return carry.parameters;
}
