/**
 * Where in an image a convolutional model finds evidence for a class (Grad-CAM): ReLU(sum_k a_k A_k) with the outputs A_k of the
 * last convolution, one map for each channel k, and a_k = the mean over places of dz_c / dA_k, for the logit z_c of the class.
 *
 * Citation: R. R. Selvaraju, M. Cogswell, A. Das, R. Vedantam, D. Parikh, D. Batra, "Grad-CAM: Visual Explanations from Deep
 * Networks via Gradient-based Localization", ICCV 2017, arXiv:1610.02391.
 */
import {
  AnabranchError,
  compileProgram,
  type Executor,
  expandDims,
  gradients,
  type HostTensor,
  type HostTensors,
  mean,
  mul,
  oneHot,
  relu,
  sum,
  type Tensor,
  trace,
} from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { parameterInputs } from "../client/vectors.ts";
import type { Model } from "../models/model.ts";
import { entryTypes, type Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { predictsClasses } from "./predictor.ts";

/** Maps of examples and what the model says of them. */
export interface ClassActivations {
  readonly height: number;
  readonly width: number;
  /** [n][height * width], 0 or more. */
  readonly maps: readonly Float64Array[];
  /** [n] */
  readonly predicted: readonly number[];
}

/** Explains a model, on this thread. */
export interface ClassActivator {
  /**
   * @param parameters of the whole model
   * @param features [n, ...]
   * @param classes [n], whose evidence is looked for
   */
  explain(parameters: Vector, features: HostTensor, classes: readonly number[]): Promise<ClassActivations>;
  release(): Promise<void>;
}

/**
 * Opens what explains a model by its last convolution. Throws `explain/model` for models without classes or convolutions.
 *
 * @example
 * ```ts
 * import { cnn28x28, layout, openClassActivator } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const model = cnn28x28({ input: [1, 8, 8], hidden: 4, classes: 2 });
 * const whole = layout(model.parameters);
 * const activator = await openClassActivator(model, whole, interpreter());
 * const features = { dtype: "uint8", shape: [1, 1, 8, 8], data: new Uint8Array(64).fill(200) } as const;
 * const { height, width } = await activator.explain(new Float64Array(whole.size), features, [1]);
 * [height, width]; // => [4, 4]
 * ```
 */
export async function openClassActivator(model: Model, layout: Layout, executor: Executor): Promise<ClassActivator> {
  const executable = await executor.load(compileProgram(`explain-${model.name}`, activationGraph(model, layout)));
  return {
    async explain(parameters, features, classes) {
      const data = Int32Array.from(classes);
      const inputs: HostTensors = {
        ...parameterInputs("parameters", parameters, layout),
        ...{ features, classes: { dtype: "int32", shape: [data.length], data } },
      };
      const { maps, logits } = await executable.run(inputs);
      const [n, height, width] = maps!.shape as [number, number, number];
      const rows = (values: ArrayLike<number>, size: number) =>
        Array.from({ length: n }, (_, i) => Float64Array.from({ length: size }, (_entry, k) => values[i * size + k]!));
      return {
        ...{ height, width, maps: rows(maps!.data, height * width) },
        predicted: rows(logits!.data, model.classes).map((row) => row.indexOf(Math.max(...row))),
      };
    },
    release: () => executable.release(),
  };
}

function activationGraph(model: Model, layout: Layout) {
  return trace(
    (inputs) => {
      const logits = model.forward(inputs.parameters as ParameterTensors, inputs.features as Tensor, {});
      const found = predictsClasses(model) ? lastConvolution(logits) : undefined;
      if (found === undefined) throw noMaps(model);
      const chosen = sum(mul(logits, oneHot(inputs.classes as Tensor, model.classes)));
      const slopes = mean(gradients(chosen, { found }).found, [2, 3]);
      const weights = expandDims(expandDims(slopes, 2), 3);
      return { logits, maps: relu(sum(mul(weights, found), [1])) };
    },
    {
      parameters: entryTypes(layout),
      features: { dtype: model.features.dtype, shape: ["n", ...model.features.shape] },
      classes: { dtype: "int32", shape: ["n"] },
    },
  );
}

/** The output of the convolution that was traced last among those that a value depends on, [n, K, H, W], with its bias. */
function lastConvolution(value: Tensor): Tensor | undefined {
  const seen = new Set<Tensor["node"]>();
  const open = [value];
  let last: Tensor | undefined;
  const biased = new Map<Tensor["node"], Tensor>();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node } = next;
    if (seen.has(node)) continue;
    seen.add(node);
    open.push(...node.inputs);
    const [before, bias] = node.inputs;
    const isBias = node.operator.name === "add" && bias!.shape.length < 4;
    if (isBias && before!.node.operator.name === "conv2d") biased.set(before!.node, next);
    if (node.operator.name === "conv2d" && node.sequence > (last?.node.sequence ?? -1)) last = next;
  }
  return last && (biased.get(last.node) ?? last);
}

/**
 * How far two maps show the same places: the sum of the smaller values over that of the larger ones, each map divided by its
 * sum; 1 for equal maps up to a factor, 0 for maps of different places. Undefined where a map is zero everywhere.
 *
 * @example
 * ```ts
 * import { mapOverlap } from "@anabranch/core";
 * mapOverlap([1, 1, 0], [0, 2, 2]); // => 0.3333333333333333
 * ```
 */
export function mapOverlap(a: ArrayLike<number>, b: ArrayLike<number>): number | undefined {
  const total = (map: ArrayLike<number>) => Array.from(map).reduce((sum, value) => sum + value, 0);
  const [ofA, ofB] = [total(a), total(b)];
  if (!(ofA > 0) || !(ofB > 0)) return undefined;
  let [common, either] = [0, 0];
  for (let k = 0; k < a.length; k++) {
    const [x, y] = [a[k]! / ofA, b[k]! / ofB];
    common += Math.min(x, y);
    either += Math.max(x, y);
  }
  return common / either;
}

function noMaps(model: Model): AnabranchError {
  return new AnabranchError({
    code: "explain/model",
    message: "only classifiers with convolutions have maps of where they look",
    where: `model ${model.name}`,
    expected: 'a model with convolutions, e.g. "cnn-28x28", and one class per example',
    advice: "Train one with model.name, and explain that run.",
  });
}
