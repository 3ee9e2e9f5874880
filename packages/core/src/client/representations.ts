import { AnabranchError, cast, constant, type nn, oneHot, type Tensor } from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { type Head, headOf } from "../algorithms/head.ts";
import type { Representations } from "../algorithms/needs.ts";
import { type Model, singleLabelClasses } from "../models/model.ts";
import { layout } from "../params/layout.ts";
import type { OpenWorldStart } from "./open-world-loss.ts";

/** The client's own examples, [n, ...]. */
export interface TaskData {
  readonly features: Tensor;
  readonly labels: Tensor;
  /** The graph whose nodes the examples are, by number. */
  readonly graph?: nn.GraphContext;
  /** Where labels are hidden: what the client measured first. */
  readonly openWorld?: OpenWorldStart;
}

/**
 * What enters the head of a classifier: the outputs of the same model with the identity as its head, so that no model has
 * to show what is inside of it.
 */
export function representationsOf(
  model: Model,
  parameters: ParameterTensors,
  { features, labels }: Pick<TaskData, "features" | "labels">,
  context?: nn.ApplyContext,
): Representations {
  return {
    features: headInputs(model, parameters, features, context),
    labels: labels.dtype === "int32" ? labels : cast(labels, "int32"),
  };
}

/** The same without labels, [n, width]. */
export function headInputs(
  model: Model,
  parameters: ParameterTensors,
  features: Tensor,
  context?: nn.ApplyContext,
): Tensor {
  const { weight, bias, features: q } = linearHead(model);
  const order = constant([...Array(q).keys()], [q], "int32");
  const identity = { [weight.name]: oneHot(order, q), [bias.name]: constant(new Array<number>(q).fill(0), [q]) };
  return model.forward({ ...parameters, ...identity }, features, context);
}

/** Width of what enters the head. Throws `model/representations`. */
export function inputsOfHead(model: Model): number {
  return linearHead(model).features;
}

type LinearLayer = Head & Record<"weight" | "bias", NonNullable<Head["weight"]>>;

function linearHead(model: Model): LinearLayer {
  const head = headOf(layout(model.parameters), model.name);
  if (head.weight !== undefined && head.bias !== undefined && singleLabelClasses(model) !== undefined)
    return head as LinearLayer;
  throw new AnabranchError({
    code: "model/representations",
    message: "the method needs what enters the linear head of a classifier",
    where: `model ${model.name}`,
    received:
      head.weight === undefined ? "a head that is not a linear layer" : "other labels than one class per example",
    expected: "one label per example, and a last layer that is linear",
    advice: 'Use model "mlp" or another classifier of single labels.',
  });
}
