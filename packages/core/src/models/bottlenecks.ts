import { AnabranchError, add, linear, nn, relu, type Tensor } from "@anabranch/engine";
import * as z from "zod";
import { adapterTargets } from "./adapter-targets.ts";
import { adapterOptions } from "./low-rank-adapters.ts";
import type { AdaptedLayer, Model, ModelParameters } from "./model.ts";

/**
 * Options of bottleneck adapters, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { bottleneckOptions } from "@anabranch/core";
 * bottleneckOptions.parse({ units: 16 }).targets; // => []
 * ```
 */
export const bottleneckOptions = z.strictObject({
  units: z.int().positive().describe("units between the two layers of a bottleneck adapter"),
  targets: adapterOptions.shape.targets,
});

/**
 * A model whose chosen dense layers have a bottleneck adapter after them: y <- y + relu(y D + a) U + b, with a narrow layer D and
 * U = 0 at first, so that it starts as the model that it adapts. The other parameters stay as they are; a run freezes them.
 *
 * Citation: N. Houlsby et al., "Parameter-Efficient Transfer Learning for NLP", ICML 2019, arXiv:1902.00751. Differences: relu
 * as in FedDAT; of a transformer, `targets = ["*.output", "*.dense2"]` is the placement of the paper.
 * @throws `parameters/unknown` for targets that fit nothing, `adapters/target` for one that is no dense layer
 * @example
 * ```ts
 * import { mlp, withBottlenecks } from "@anabranch/core";
 * const model = withBottlenecks(mlp({ input: [4], hidden: [8], classes: 2 }), { units: 2 });
 * model.bottlenecks?.layers; // => [{ layer: "dense1", width: 8 }]
 * ```
 */
export function withBottlenecks(base: Model, options: z.input<typeof bottleneckOptions>): Model {
  const { units, targets } = bottleneckOptions.parse(options);
  const layers = adapterTargets(base, targets, DENSE).map(({ block, shape }) => ({ layer: block, width: shape[1]! }));
  return {
    ...base,
    base,
    parameters: [...base.parameters, ...bottleneckParameters(layers, units, ADAPTER)],
    bottlenecks: { base, layers, units },
    forward: adaptedForward(base, layers, (parameters, layer, y) => bottleneck(parameters, layer, ADAPTER, y)),
  };
}

const DENSE = {
  fits: ({ name, role, shape, block }: nn.ParameterSpec) =>
    role === "matrix" && shape.length === 2 && name === `${block}.weight`,
  expected: "the weight of a dense layer, and not the head",
};

/** What adapters are called after the layer that they follow. */
const ADAPTER = "adapter";

/** Parameters of one adapter for each layer. */
export function bottleneckParameters(
  layers: readonly AdaptedLayer[],
  units: number,
  kind: string,
): readonly nn.ParameterSpec[] {
  return layers.flatMap(({ layer, width }) => {
    const names = namesOf(layer, kind);
    const block = `${layer}.${kind}`;
    const matrix = (name: string, shape: [number, number], initialize: nn.Initializer): nn.ParameterSpec => {
      return { name, shape, role: "matrix", block, initialize };
    };
    const vector = (name: string, size: number): nn.ParameterSpec => {
      return { name, shape: [size], role: "vector", block, initialize: nn.zeros };
    };
    return [
      matrix(names.down, [width, units], nn.kaimingUniform(width)),
      vector(names.downBias, units),
      matrix(names.up, [units, width], nn.zeros),
      vector(names.upBias, width),
    ];
  });
}

function namesOf(layer: string, kind: string) {
  const block = `${layer}.${kind}`;
  return {
    down: `${block}.down.weight`,
    downBias: `${block}.down.bias`,
    up: `${block}.up.weight`,
    upBias: `${block}.up.bias`,
  };
}

/** What an adapter adds to the output y of its layer. */
export function bottleneck(parameters: ModelParameters, layer: string, kind: string, y: Tensor): Tensor {
  const { down, downBias, up, upBias } = namesOf(layer, kind);
  const narrow = relu(linear(y, parameters[down]!, parameters[downBias]!));
  return linear(narrow, parameters[up]!, parameters[upBias]!);
}

/** The base model, of which some layers give something in addition. Throws `adapters/target` for an own model that hides them. */
export function adaptedForward(
  base: Model,
  layers: readonly AdaptedLayer[],
  added: (parameters: ModelParameters, layer: string, y: Tensor) => Tensor,
): Model["forward"] {
  const adapted = new Set(layers.map(({ layer }) => layer));
  return (parameters, features, context) => {
    const passed = new Set<string>();
    const outputs = base.forward(parameters, features, {
      ...context,
      adapt(layer, y) {
        if (!adapted.has(layer)) return y;
        passed.add(layer);
        return add(y, added(parameters, layer, y));
      },
    });
    const hidden = layers.find(({ layer }) => !passed.has(layer));
    if (hidden !== undefined) throw notPassed(base.name, hidden.layer);
    return outputs;
  };
}

function notPassed(model: string, layer: string): AnabranchError {
  return new AnabranchError({
    code: "adapters/target",
    message: "a layer with an adapter is not applied with the context of the model",
    where: `model ${model}`,
    received: `layer ${layer}`,
    expected: "forward(parameters, features, context) that passes its context on to every layer",
    advice: "Call layer.apply(parameters, x, context), or leave the layer out of adapters.targets.",
  });
}
