import { AnabranchError, nn } from "@anabranch/engine";
import type { Model, ModelParameters } from "../models/model.ts";
import { generatedTensors, type TensorMap } from "./hypernetwork.ts";

/** The model that a method trains, from the configured one. */
export type ModelMap = (configured: Model) => Model;

/** Sizes of a hypernetwork. */
export interface HypernetworkSizes {
  /** e, numbers in a client's embedding. */
  readonly embedding: number;
  /** h, units of its hidden layer. */
  readonly hidden: number;
}

/** Name of the parameter that tells clients apart, [e]. */
export const EMBEDDING = "client.embedding";
/** Block of everything that makes a model of it, psi. */
const NETWORK = "hypernetwork";
const HIDDEN = `${NETWORK}.hidden`;

/**
 * A model whose parameters, but for its head, are generated from an embedding by a network with one hidden layer: it has the
 * head, the embedding and that network as parameters. Where the network starts, it generates about what the model would
 * start with: a tensor's bias is drawn as the tensor, and its weights are smaller by sqrt(h).
 *
 * @example
 * ```ts
 * import { hypernetworkModel, mlp } from "@anabranch/core";
 * const model = hypernetworkModel(mlp({ input: [4], hidden: [3], classes: 2 }), { embedding: 5, hidden: 6 });
 * model.parameters.find(({ name }) => name === "hypernetwork.dense1.weight.map")?.shape; // => [12, 6]
 * ```
 * @throws `method/generated` for a model that is a head alone
 */
export function hypernetworkModel(
  { adapters: _adapters, sliced: _sliced, ...base }: Model,
  { embedding, hidden }: HypernetworkSizes,
): Model {
  const head = base.parameters.filter(({ role }) => role === "head");
  const generated = base.parameters.filter(({ role }) => role !== "head");
  if (generated.length === 0) throw nothingToGenerate(base.name);
  const shapes = Object.fromEntries(generated.map(({ name, shape }) => [name, shape]));
  return {
    ...base,
    parameters: [
      ...head,
      { ...vector(EMBEDDING, embedding, nn.normal(1)), block: "client" },
      matrix(`${HIDDEN}.weight`, [hidden, embedding], nn.kaimingUniform(embedding)),
      vector(`${HIDDEN}.bias`, hidden, nn.kaimingUniform(embedding)),
      ...generated.flatMap((parameter) => mapOf(parameter, hidden)),
    ],
    forward(parameters, features, context) {
      const network = {
        hidden: { weight: parameters[`${HIDDEN}.weight`]!, bias: parameters[`${HIDDEN}.bias`]! },
        maps: Object.fromEntries(generated.map(({ name }) => [name, mapTo(name, parameters)])),
      };
      const theta = generatedTensors(network, parameters[EMBEDDING]!, shapes);
      return base.forward({ ...parameters, ...theta }, features, context);
    },
  };
}

const matrix = (name: string, shape: [number, number], initialize: nn.Initializer): nn.ParameterSpec => {
  return { name, shape, role: "matrix", block: NETWORK, initialize };
};
const vector = (name: string, size: number, initialize: nn.Initializer): nn.ParameterSpec => {
  return { name, shape: [size], role: "vector", block: NETWORK, initialize };
};

/** The map to one tensor. */
function mapOf({ name, shape, initialize }: nn.ParameterSpec, hidden: number): readonly nn.ParameterSpec[] {
  const size = shape.reduce((all, extent) => all * extent, 1);
  return [
    matrix(`${NETWORK}.${name}.map`, [size, hidden], smaller(initialize, Math.sqrt(hidden))),
    vector(`${NETWORK}.${name}.start`, size, initialize),
  ];
}

function mapTo(name: string, parameters: ModelParameters): TensorMap {
  return { weight: parameters[`${NETWORK}.${name}.map`]!, bias: parameters[`${NETWORK}.${name}.start`]! };
}

function smaller(initialize: nn.Initializer, factor: number): nn.Initializer {
  switch (initialize.kind) {
    case "uniform":
      return nn.uniform(initialize.limit / factor);
    case "normal":
      return nn.normal(initialize.deviation / factor);
    default:
      return nn.zeros;
  }
}

function nothingToGenerate(model: string): AnabranchError {
  return new AnabranchError({
    code: "method/generated",
    message: "the model has no parameters before its head that could be generated",
    where: `model ${model}`,
    received: "a head alone",
    expected: "at least one layer before the head",
    advice: 'Use model "mlp" with a hidden layer, or another method.',
  });
}
