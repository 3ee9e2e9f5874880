import { AnabranchError } from "@anabranch/engine";
import type { Layout } from "./layout.ts";

/** Values of one parameter from a file. */
interface ParameterValues {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number | bigint>;
}

/**
 * The flat vector [d] of named tensors; other tensors are left aside. Throws `params/missing`, `params/shape` or
 * `params/not-finite`.
 */
export function parametersFrom(tensors: Readonly<Record<string, ParameterValues>>, layout: Layout): Float32Array {
  const vector = new Float32Array(layout.size);
  for (const entry of layout.entries) {
    const tensor = tensors[entry.name];
    if (tensor === undefined) {
      throw new AnabranchError({
        code: "params/missing",
        message: "the initial weights lack a parameter of the model",
        where: "model.initialWeights",
        received: Object.keys(tensors).slice(0, 20).join(", "),
        expected: entry.name,
        advice: "Use a file saved from the same model, e.g. a run's model.safetensors.",
      });
    }
    if (tensor.shape.join() !== entry.shape.join()) {
      throw new AnabranchError({
        code: "params/shape",
        message: "a parameter of the initial weights has another shape",
        where: `model.initialWeights, ${entry.name}`,
        received: `[${tensor.shape.join(", ")}]`,
        expected: `[${entry.shape.join(", ")}]`,
      });
    }
    const values = Float32Array.from(tensor.data, Number);
    const odd = values.findIndex((value) => !Number.isFinite(value));
    if (odd >= 0) {
      throw new AnabranchError({
        code: "params/not-finite",
        message: "the initial weights hold a number that is not finite",
        where: `model.initialWeights, ${entry.name}, element ${odd}`,
        received: String(values[odd]),
        expected: "finite numbers that fit float32",
        advice: "The run that wrote the file may have diverged; take an earlier checkpoint.",
      });
    }
    vector.set(values, entry.offset);
  }
  return vector;
}
