import { add, constant, mul, scan, sum, type Tensor } from "@anabranch/engine";
import type { LocalSettings } from "../algorithms/algorithm.ts";

/** How far local descent comes along a constant gradient of 1, from the learning rates of its steps [K]. */
export function sumOfStepSizes(learningRate: Tensor, { momentum, nesterov }: LocalSettings): Tensor {
  if (momentum === 0) return sum(learningRate);
  const longer = (length: Tensor) => add(mul(length, momentum), 1);
  const { outputs } = scan(
    ({ length }: { length: Tensor }, rate: Tensor) => {
      const next = longer(length);
      return { carry: { length: next }, output: { moved: mul(rate, nesterov ? longer(next) : next) } };
    },
    { length: constant(0) },
    learningRate,
  );
  return sum(outputs.moved);
}
