import type { HostTensor } from "@anabranch/engine";
import type { Model } from "../models/model.ts";
import { type RandomKey, randomStream } from "../random/index.ts";
import { HostAdam } from "./host-adam.ts";

/** Examples that are looked for: features [n, ...] and a row of weights for the classes of each, [n, classes]. */
export interface Examples {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** Features from N(0, 1); classes as they are known (one-hot), or from N(0, 1). */
export function drawExamples(
  model: Model,
  { examples, labels }: { readonly examples: number; readonly labels?: readonly number[] },
  key: RandomKey,
): Examples {
  const stream = randomStream(key);
  const size = examples * model.features.shape.reduce((a, b) => a * b, 1);
  const x = Float64Array.from({ length: size }, () => stream.normal());
  const y = new Float64Array(examples * model.classes);
  if (labels === undefined) for (let i = 0; i < y.length; i++) y[i] = stream.normal();
  else for (const [row, label] of labels.entries()) y[row * model.classes + label] = 1;
  return { x, y };
}

/** Examples as the inputs x and y of a program. */
export function exampleInputs(model: Model, count: number, { x, y }: Examples): Record<"x" | "y", HostTensor> {
  return {
    x: { dtype: "float", shape: [count, ...model.features.shape], data: x },
    y: { dtype: "float", shape: [count, model.classes], data: y },
  };
}

/** Adam on examples: on the signs of the gradient for features, on the gradient itself for classes. */
export class ExampleSearch {
  readonly examples: Examples;
  readonly #x: HostAdam;
  readonly #y: HostAdam;

  constructor(examples: Examples) {
    this.examples = examples;
    this.#x = new HostAdam(examples.x);
    this.#y = new HostAdam(examples.y);
  }

  step(x: ArrayLike<number>, y: ArrayLike<number> | undefined, rate: number): void {
    this.#x.step(Float64Array.from(x, Math.sign), rate);
    if (y !== undefined) this.#y.step(y, rate);
  }

  copy(): Examples {
    return { x: this.examples.x.slice(), y: this.examples.y.slice() };
  }
}
