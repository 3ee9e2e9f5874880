import {
  AnabranchError,
  add,
  cast,
  constant,
  expandDims,
  logSoftmax,
  mean,
  mul,
  nn,
  oneHot,
  sub,
} from "@anabranch/engine";
import * as z from "zod";
import { modulate, nearness, routedLogits, routedLosses, routeInstances } from "./instance-routing.ts";
import type { Model } from "./model.ts";

/**
 * Options of a pool, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { poolOptions } from "@anabranch/core";
 * poolOptions.parse({ sets: 8 }).top; // => 3
 * ```
 */
export const poolOptions = z.strictObject({
  sets: z.int().positive().describe("sets of a scale, a shift and a classifier that examples choose from (Q)"),
  top: z.int().positive().default(3).describe("sets that each example chooses, at most all, whose means it is given"),
  keyWeight: z
    .number()
    .min(0)
    .lt(1)
    .default(0.1)
    .describe("part of the loss that pulls keys to the examples that choose them"),
});

const NAMES = { keys: "pool.keys", gamma: "pool.gamma", beta: "pool.beta", heads: "pool.heads" } as const;

/** Deviation of the first scales about 1 and shifts about 0. */
const DEVIATION = 0.02;

/**
 * FedIns: the features that a frozen model gives to its classifier choose sets of a pool by their cosines to the keys. They are
 * scaled and shifted by the means of these sets, and classified by the mean of their classifiers, in place of the model's.
 *
 * Outputs are log-probabilities plus the sum of the chosen cosines, which no softmax sees and the loss reads back.
 *
 * Citation: C.-M. Feng et al., "Towards Instance-adaptive Inference for Federated Learning", ICCV 2023, arXiv:2308.06051.
 * Differences: the last features alone are modulated, where the paper modulates every layer, and they are the query too, where
 * it runs a second copy of the model. Scales are stored as differences to 1.
 *
 * @throws `adapters/pool` for models that are no classifier of examples
 * @example
 * ```ts
 * import { mlp, withPool } from "@anabranch/core";
 * const { parameters } = withPool(mlp({ input: [4], hidden: [8], classes: 2 }), { sets: 5 });
 * parameters.find(({ name }) => name === "pool.heads")?.shape; // => [5, 2, 8]
 * ```
 */
export function withPool(base: Model, options: z.input<typeof poolOptions>): Model {
  const { sets, top: most, keyWeight } = poolOptions.parse(options);
  const top = Math.min(most, sets);
  const { weight, bias, width } = classifierOf(base);
  const block = "pool";
  const spec = (name: keyof typeof NAMES, shape: readonly number[], initialize: nn.Initializer): nn.ParameterSpec => {
    return { name: NAMES[name], shape, role: "vector", block, initialize };
  };
  return {
    ...base,
    base,
    parameters: [
      // its head classifies nothing any more
      ...base.parameters.map((parameter) => (parameter.role === "head" ? withoutRole(parameter) : parameter)),
      spec("keys", [sets, width], nn.normal(1)),
      spec("gamma", [sets, width], nn.normal(DEVIATION)),
      spec("beta", [sets, width], nn.normal(DEVIATION)),
      spec("heads", [sets, base.classes, width], nn.kaimingUniform(width)),
    ],
    forward(parameters, inputs, context) {
      // a classifier that gives back what it is given
      const numbers = constant(
        Array.from({ length: width }, (_, i) => i),
        [width],
        "int32",
      );
      const open = { [weight]: oneHot(numbers, width), ...(bias && { [bias]: mul(cast(numbers, "float"), 0) }) };
      const features = base.forward({ ...parameters, ...open }, inputs, context);
      const routing = routeInstances(features, parameters[NAMES.keys]!, top);
      const scales = { gamma: add(parameters[NAMES.gamma]!, 1), beta: parameters[NAMES.beta]! };
      const logits = routedLogits(modulate(features, scales, routing), { heads: parameters[NAMES.heads]! }, routing);
      return add(logSoftmax(logits), expandDims(nearness(routing), 1));
    },
    losses: (outputs, labels) => {
      // log-probabilities have a sum of 1 under exp, so what is left is what was added
      const near = mean(sub(outputs, logSoftmax(outputs)), [1]);
      return routedLosses(base.losses(outputs, labels), near, keyWeight);
    },
  };
}

function withoutRole(parameter: nn.ParameterSpec): nn.ParameterSpec {
  return { ...parameter, role: parameter.shape.length === 2 ? "matrix" : "vector" };
}

/** The layer of a model that gives one example its class. */
function classifierOf({ name, parameters, labels, classes }: Model) {
  const head = parameters.filter(({ role }) => role === "head");
  const [weight, ...others] = head.filter(({ shape }) => shape.length === 2);
  const bias = head.find(({ shape }) => shape.length === 1);
  const isOne = weight !== undefined && others.length === 0 && head.length === (bias === undefined ? 1 : 2);
  if (isOne && classes > 1 && labels.shape.length === 0 && labels.dtype !== "float")
    return { weight: weight.name, bias: bias?.name, width: weight.shape[0] as number };
  throw new AnabranchError({
    code: "adapters/pool",
    message: "a pool needs a model that gives each example one class by its last layer",
    where: "adapters.pool",
    received: `model ${name}, ${head.length === 0 ? "without a head" : `head ${head.map((one) => one.name).join(", ")}`}`,
    expected: "a classifier with one dense head, as mlp, cnn-28x28 or vit",
    advice: "Choose such a model, or low-rank adapters: adapters.rank.",
  });
}
