import {
  compileProgram,
  countFlops,
  type Executor,
  gather,
  type HostTensor,
  type Program,
  type Tensor,
  trace,
} from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { parameterInputs } from "../client/vectors.ts";
import type { Model } from "../models/model.ts";
import { entryTypes, type Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";

/** What a model predicts for examples, in their order. */
export interface Predictions {
  /** [n] predicted class. */
  readonly classes: Int32Array;
  /** [n] score of class 1 over class 0; of two classes alone. */
  readonly scores: readonly number[] | undefined;
}

/** Predicts classes, on this thread. */
export interface Predictor {
  /** @param parameters of the whole model; @param features [n, ...] */
  predict(parameters: Vector, features: HostTensor): Promise<Predictions>;
  release(): Promise<void>;
}

/** A program that gives logits of some rows of features. */
export interface PredictorSpec {
  readonly program: Program;
  readonly layout: Layout;
  readonly classes: number;
  readonly batchSize: number;
}

/** Whether examples of a model have one label each, of one of its classes. */
export function predictsClasses({ labels, classes }: Pick<Model, "labels" | "classes">): boolean {
  return labels.shape.length === 0 && classes >= 2;
}

/** Undefined where a model of a user's own gives something else than logits. */
export function predictorSpec(model: Model, layout: Layout, batchSize: number): PredictorSpec | undefined {
  let isPlain = predictsClasses(model);
  const graph = trace(
    (inputs) => {
      const logits = model.forward(
        inputs.parameters as ParameterTensors,
        gather(inputs.features as Tensor, inputs.rows as Tensor),
        {},
      );
      isPlain &&= logits.shape.length === 2 && logits.shape[1] === model.classes;
      return { logits };
    },
    {
      parameters: entryTypes(layout),
      features: { dtype: model.features.dtype, shape: ["n", ...model.features.shape] },
      rows: { dtype: "int32", shape: [batchSize] },
    },
  );
  if (!isPlain) return undefined;
  return { program: compileProgram(`predict-${model.name}`, graph), layout, classes: model.classes, batchSize };
}

/** Floating-point operations for so many examples. */
export function predictionFlops({ program, batchSize }: PredictorSpec, examples: number): number {
  return Math.ceil(examples / batchSize) * countFlops(program, { symbols: { n: examples } });
}

export async function openPredictor(
  { program, layout, classes: width, batchSize }: PredictorSpec,
  executor: Executor,
): Promise<Predictor> {
  const executable = await executor.load(program);
  return {
    async predict(parameters, features) {
      const count = features.shape[0]!;
      const classes = new Int32Array(count);
      const scores: number[] = [];
      const inputs = { ...parameterInputs("parameters", parameters, layout), features };
      for (let begin = 0; begin < count; begin += batchSize) {
        const data = Int32Array.from({ length: batchSize }, (_, i) => Math.min(begin + i, count - 1));
        const outputs = await executable.run({ ...inputs, rows: { dtype: "int32", shape: [batchSize], data } });
        const logits = outputs["logits"]!.data;
        for (let row = begin; row < Math.min(count, begin + batchSize); row++) {
          const at = (row - begin) * width;
          classes[row] = indexOfLargest(logits, at, width);
          if (width === 2) scores.push(logits[at + 1]! - logits[at]!);
        }
      }
      return { classes, scores: width === 2 ? scores : undefined };
    },
    release: () => executable.release(),
  };
}

function indexOfLargest(values: ArrayLike<number>, from: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[from + i]! > values[from + best]!) best = i;
  return best;
}
