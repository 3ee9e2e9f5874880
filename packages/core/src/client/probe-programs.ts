import {
  compileProgram,
  mean,
  type Program,
  type Tensor,
  type TensorTree,
  type TypeTree,
  trace,
  valueAndGrad,
} from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { perturbed } from "../algorithms/sharpness.ts";
import type { Model } from "../models/model.ts";
import { onGraph } from "../models/on-graph.ts";
import { entryTypes, type Layout } from "../params/layout.ts";
import type { TaskData } from "./representations.ts";
import { dataTypes } from "./task-types.ts";

/** Programs that look at the loss of one client's batch, without dropout. */
export interface ProbePrograms {
  /** Inputs: parameters/ENTRY; data/features [n, ...], data/labels [n, ...]. Output: loss []. */
  readonly loss: Program;
  /** The same inputs. Outputs: loss [], perturbedLoss [] at x + radius * g / |g|, gradient/ENTRY. */
  readonly gradient: Program;
}

export function compileProbe(model: Model, layout: Layout, radius: number): ProbePrograms {
  const types: TypeTree = { parameters: entryTypes(layout), data: dataTypes(model, "n") };
  const compile = (name: string, outputs: (loss: Loss, x: ParameterTensors) => TensorTree): Program => {
    const graph = trace(({ parameters, data }) => {
      const { features, labels, graph } = data as unknown as TaskData;
      const own = onGraph(model, graph);
      const loss = (x: ParameterTensors) => mean(own.losses(own.forward(x, features, {}), labels));
      return outputs(loss, parameters as ParameterTensors);
    }, types);
    return compileProgram(`${name}-${model.name}`, graph);
  };
  return {
    loss: compile("loss", (loss, x) => ({ loss: loss(x) })),
    gradient: compile("gradient", (loss, x) => {
      const { value, gradients } = valueAndGrad(loss, x);
      return { loss: value, perturbedLoss: loss(perturbed(x, gradients, radius)), gradient: gradients };
    }),
  };
}

type Loss = (x: ParameterTensors) => Tensor;
