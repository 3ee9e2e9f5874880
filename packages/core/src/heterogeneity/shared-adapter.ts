import { AnabranchError, add, concat, matmul, mul, nn, slice, type Tensor } from "@anabranch/engine";
import type { Model, ModelParameters } from "../models/model.ts";

/** What a client's private model has beside it. */
export interface SharedAdapterSettings {
  /** r, units between the two layers of the adapter. */
  readonly rank: number;
  /** mu, share of the adapter's loss. */
  readonly share: number;
}

/** Block of what clients share. */
const ADAPTER = "adapter";

/**
 * A model with a second head, the adapter h -> h P Q of low rank on the inputs h of its own head. While it is trained, its
 * outputs are those of both heads, one below the other, and its loss is (1 - mu) times that of its own head and mu times
 * that of the adapter. In use it has its own head alone. A head that is no dense layer has a second one of its shapes.
 *
 * @example
 * ```ts
 * import { mlp, withSharedAdapter } from "@anabranch/core";
 * const model = withSharedAdapter(mlp({ input: [4], hidden: [3], classes: 2 }), { rank: 1, share: 0.3 });
 * model.parameters.filter(({ block }) => block === "adapter").map(({ shape }) => shape); // => [[3, 1], [1, 2]]
 * ```
 * @throws `method/no-head` for a model without a head
 */
export function withSharedAdapter(
  { adapters: _adapters, sliced: _sliced, sample: _sample, ...base }: Model,
  { rank, share }: SharedAdapterSettings,
): Model {
  const head = base.parameters.filter(({ role }) => role === "head");
  if (head.length === 0) throw noHead(base.name);
  const second = isDense(head) ? lowRankHead(head, rank) : secondHead(head);
  return {
    ...base,
    parameters: [...base.parameters, ...second.parameters],
    forward(parameters, features, context) {
      const own = base.forward(parameters, features, context);
      if (context?.masks === undefined) return own;
      return concat([own, base.forward({ ...parameters, ...second.values(parameters) }, features, context)], 0);
    },
    losses(outputs, labels) {
      const [n, both] = [labels.shape[0]!, outputs.shape[0]!];
      if (typeof n !== "number" || both !== 2 * n) return base.losses(outputs, labels);
      const part = (from: number) =>
        base.losses(
          slice(
            outputs,
            [from, ...outputs.shape.slice(1).map(() => 0)],
            [from + n, ...(outputs.shape.slice(1) as number[])],
          ),
          labels,
        );
      return add(mul(part(0), 1 - share), mul(part(n), share));
    },
  };
}

/** A head beside that of a model. */
interface SecondHead {
  readonly parameters: readonly nn.ParameterSpec[];
  /** What it puts in the places of the model's head. */
  values(parameters: ModelParameters): ModelParameters;
}

const isDense = (head: readonly nn.ParameterSpec[]) =>
  head.length === 2 && head.some(({ shape }) => shape.length === 2);

function lowRankHead(head: readonly nn.ParameterSpec[], rank: number): SecondHead {
  const weight = head.find(({ shape }) => shape.length === 2)!;
  const others = head.filter((parameter) => parameter !== weight);
  const [features, classes] = weight.shape as [number, number];
  const [first, last] = [`${ADAPTER}.first`, `${ADAPTER}.last`];
  const matrix = (name: string, shape: [number, number]): nn.ParameterSpec => {
    return { name, shape, role: "matrix", block: ADAPTER, initialize: nn.kaimingUniform(shape[0]) };
  };
  return {
    parameters: [matrix(first, [features, rank]), matrix(last, [rank, classes])],
    values: (parameters) => ({
      ...Object.fromEntries(others.map(({ name }) => [name, mul(parameters[name]!, 0)])),
      [weight.name]: matmul(parameters[first]!, parameters[last]!),
    }),
  };
}

function secondHead(head: readonly nn.ParameterSpec[]): SecondHead {
  const named = (name: string) => `${ADAPTER}.${name}`;
  return {
    parameters: head.map((parameter) => ({
      ...parameter,
      name: named(parameter.name),
      role: "vector",
      block: ADAPTER,
    })),
    values: (parameters): Record<string, Tensor> =>
      Object.fromEntries(head.map(({ name }) => [name, parameters[named(name)]!])),
  };
}

function noHead(model: string): AnabranchError {
  return new AnabranchError({
    code: "method/no-head",
    message: "the method needs a model with a head",
    where: `model ${model}`,
    received: "a model without one",
    expected: "a model whose last layer has the role head",
    advice: 'Use model "mlp" or another classifier.',
  });
}
