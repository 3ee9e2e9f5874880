import {
  compileProgram,
  gradients,
  mul,
  type Program,
  sum,
  type Tensor,
  type TensorTree,
  type TensorType,
  trace,
} from "@anabranch/engine";
import type { Model, ModelParameters } from "../models/model.ts";
import { type CutSettings, cutModel, type ModelPart } from "../models/model-cut.ts";
import { entryTypes, layout } from "../params/layout.ts";

/** The programs of both sides of split training, for batches of so many rows. */
export interface SplitPrograms {
  /** At the client: parameters/ENTRY, features -> activations. */
  readonly head: Program;
  /** At the client, from what comes back: parameters/ENTRY, features, gradient -> gradients/ENTRY. Absent: the head learns nothing. */
  readonly headBackward: Program | undefined;
  /** At the client: parameters/ENTRY, activations, labels, weights -> loss, gradient (of the activations), gradients/ENTRY. */
  readonly tail: Program;
  /** At the server: parameters/ENTRY, activations -> activations. */
  readonly body: Program;
  /** At the server: parameters/ENTRY, activations, gradient -> gradient. */
  readonly bodyBackward: Program;
}

/**
 * Cuts a local step of a model into the programs of a client and of a server.
 *
 * @param trained names of the parameters that learn, in head and tail
 * @throws `model/cut`
 */
export function splitPrograms(
  model: Model,
  settings: CutSettings,
  rows: number,
  trained: ReadonlySet<string>,
): SplitPrograms {
  const { head, body, tail, activation } = cutModel(model, settings);
  const at: TensorType = { dtype: "float", shape: [rows, ...activation] };
  const features: TensorType = { dtype: model.features.dtype, shape: [rows, ...model.features.shape] };
  const labels: TensorType = { dtype: model.labels.dtype, shape: [rows, ...model.labels.shape] };
  const weights: TensorType = { dtype: "float", shape: [rows] };
  const learning = (part: ModelPart, all: ModelParameters) =>
    Object.fromEntries(part.parameters.filter(({ name }) => trained.has(name)).map(({ name }) => [name, all[name]!]));
  const compile = (name: string, part: ModelPart, types: Record<string, TensorType>, run: Run) => {
    const parameters = entryTypes(layout(part.parameters));
    const graph = trace((inputs) => run(inputs as unknown as Inputs), { parameters, ...types });
    return compileProgram(`${name}-${model.name}`, graph);
  };
  return {
    head: compile("head", head, { features }, (given) => ({
      activations: head.apply(given.parameters, given.features),
    })),
    headBackward: head.parameters.some(({ name }) => trained.has(name))
      ? compile("head-backward", head, { features, gradient: at }, (given) => ({
          gradients: gradients(
            along(head.apply(given.parameters, given.features), given.gradient),
            learning(head, given.parameters),
          ),
        }))
      : undefined,
    tail: compile("tail", tail, { activations: at, labels, weights }, ({ parameters, activations, ...given }) => {
      const loss = sum(mul(model.losses(tail.apply(parameters, activations), given.labels), given.weights));
      const found = gradients(loss, { gradient: activations, gradients: learning(tail, parameters) });
      return { loss, ...found };
    }),
    body: compile("body", body, { activations: at }, ({ parameters, activations }) => ({
      activations: body.apply(parameters, activations),
    })),
    bodyBackward: compile("body-backward", body, { activations: at, gradient: at }, (given) => ({
      gradient: gradients(along(body.apply(given.parameters, given.activations), given.gradient), given.activations),
    })),
  };
}

/** What the programs are given. */
interface Inputs {
  readonly parameters: ModelParameters;
  readonly features: Tensor;
  readonly activations: Tensor;
  readonly gradient: Tensor;
  readonly labels: Tensor;
  readonly weights: Tensor;
}

type Run = (given: Inputs) => TensorTree;

/** A scalar whose gradient with respect to y is the given one. */
function along(y: Tensor, gradient: Tensor): Tensor {
  return sum(mul(y, gradient));
}
