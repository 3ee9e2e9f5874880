import { AnabranchError, cast, mul, nn, slice, square, sub, sum } from "@anabranch/engine";
import * as z from "zod";
import type { Model } from "./model.ts";
import { dataOptions } from "./options.ts";

export const quadraticOptions = z.strictObject({
  ...dataOptions,
  input: dataOptions.input.default([4]),
  inputType: dataOptions.inputType.default("float"),
  classes: dataOptions.classes.default(1),
});

/**
 * F(x) = 1/2 sum_j a_j (x_j - b_j)^2 for an example (a, b): gradients a (x - b) can be followed by hand, which is what
 * golden traces and convergence checks need. Features [2 d] hold a, then b; the parameter "x" [d] starts at zero.
 * Outputs are the losses themselves and scores are 0. Labels are not looked at.
 */
export function quadratic(options: z.input<typeof quadraticOptions> = {}): Model {
  const settings = quadraticOptions.parse(options);
  const [length] = settings.input;
  if (settings.input.length !== 1 || length === undefined || length % 2 !== 0 || settings.inputType !== "float") {
    throw new AnabranchError({
      code: "model/input",
      message: "this model takes pairs of vectors",
      where: "model quadratic",
      received: `${settings.inputType}[${settings.input.join(", ")}]`,
      expected: "float[2 d]: a, then b",
    });
  }
  const d = length / 2;
  return {
    name: "quadratic",
    parameters: [{ name: "x", shape: [d], role: "vector", block: "x", initialize: nn.zeros }],
    masks: [],
    features: { dtype: "float", shape: [length] },
    labels: { dtype: settings.labelType, shape: [] },
    classes: settings.classes,
    forward(parameters, features) {
      const n = features.shape[0]!;
      const a = slice(features, [0, 0], [n, d]);
      const b = slice(features, [0, d], [n, length]);
      return mul(sum(mul(a, square(sub(parameters["x"]!, b))), [1]), 0.5);
    },
    losses: (outputs) => outputs,
    scores: (_outputs, labels) => mul(cast(labels, "float"), 0),
  };
}
