import {
  AnabranchError,
  cast,
  concat,
  constant,
  gather,
  mul,
  nn,
  reshape,
  slice,
  square,
  sub,
  sum,
} from "@anabranch/engine";
import * as z from "zod";
import type { Model } from "./model.ts";
import { dataOptions } from "./options.ts";

/**
 * Options of the model, with defaults and descriptions.
 *
 * @example
 * ```ts
 * import { quadraticOptions } from "@anabranch/core";
 * quadraticOptions.safeParse({ unknown: 1 }).success; // => false
 * ```
 */
export const quadraticOptions = z.strictObject({
  ...dataOptions,
  input: z
    .array(
      z
        .int()
        .positive()
        .max(2 ** 16),
    )
    .default([4])
    .describe("shape of one example's features"),
  inputType: dataOptions.inputType.default("float"),
  classes: dataOptions.classes.default(1),
  blocks: z
    .array(z.array(z.int().min(0)).min(1))
    .min(1)
    .optional()
    .describe("coordinates of each block, for methods that send blocks; coordinates in none are the head"),
  shape: z
    .array(z.int().positive())
    .min(1)
    .optional()
    .describe("shape of the parameter, for methods that treat matrices apart; left out: a vector"),
});

/**
 * F(x) = 1/2 sum_j a_j (x_j - b_j)^2 for an example (a, b): gradients a (x - b) can be followed by hand, which is what
 * golden traces and convergence checks need. Features [2 d] hold a, then b; the parameter "x" [d] starts at zero. With
 * `shape` it has another shape; with `blocks` every coordinate is a parameter of its own, and the flat vector still holds
 * them in order. Outputs are the losses themselves and scores are 0. Labels are not looked at.
 *
 * @example
 * ```ts
 * import { nn } from "@anabranch/engine";
 * import { quadratic } from "@anabranch/core";
 * nn.countParameters(quadratic({ input: [4] }).parameters); // => 2
 * ```
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
  const { blocks, shape = [d] } = settings;
  requireShape(shape, d);
  const role = shape.length > 1 ? "matrix" : "vector";
  const whole = { name: "x", shape, role, block: "x", initialize: nn.zeros } as const;
  const names = Array.from({ length: d }, (_, j) => coordinate(j, d));
  return {
    name: "quadratic",
    parameters: blocks === undefined ? [whole] : coordinates(blocks, d),
    masks: [],
    features: { dtype: "float", shape: [length] },
    labels: { dtype: settings.labelType, shape: [] },
    classes: settings.classes,
    ...(blocks === undefined ? { sliced: (places) => slicedForward(d, places["x"]!) } : {}),
    forward(parameters, features) {
      const n = features.shape[0]!;
      const a = slice(features, [0, 0], [n, d]);
      const b = slice(features, [0, d], [n, length]);
      const x =
        blocks === undefined
          ? reshape(parameters["x"]!, [d])
          : concat(
              names.map((name) => parameters[name]!),
              0,
            );
      return mul(sum(mul(a, square(sub(x, b))), [1]), 0.5);
    },
    losses: (outputs) => outputs,
    scores: (_outputs, labels) => mul(cast(labels, "float"), 0),
  };
}

/** The same sum over the coordinates at some places alone. */
function slicedForward(d: number, places: readonly number[]): Model["forward"] {
  const columns = (from: number) =>
    constant(
      Int32Array.from(places, (place) => from + place),
      [places.length],
      "int32",
    );
  return (parameters, features) => {
    const [a, b] = [0, d].map((from) => gather(features, columns(from), 1));
    return mul(sum(mul(a!, square(sub(reshape(parameters["x"]!, [places.length]), b!))), [1]), 0.5);
  };
}

function requireShape(shape: readonly number[], d: number): void {
  if (shape.reduce((size, extent) => size * extent, 1) === d) return;
  throw new AnabranchError({
    code: "model/shape",
    message: "the parameter's shape does not hold the coordinates",
    where: "model quadratic",
    received: `[${shape.join(", ")}]`,
    expected: `a shape of ${d} elements`,
  });
}

/** Coordinate j as a parameter's name; names sort as the coordinates do. */
function coordinate(j: number, d: number): string {
  return `x${`${j}`.padStart(`${d - 1}`.length, "0")}`;
}

/** One parameter for each coordinate, block by block; those in no block come last, as the head. */
function coordinates(blocks: readonly (readonly number[])[], d: number): nn.ParameterSpec[] {
  const listed = blocks.flat();
  if (new Set(listed).size !== listed.length || listed.some((j) => j >= d)) {
    throw new AnabranchError({
      code: "model/blocks",
      message: "the blocks do not divide the coordinates",
      where: "model quadratic",
      received: JSON.stringify(blocks),
      expected: `coordinates from 0 to ${d - 1}, each in one block at most`,
    });
  }
  const spec = (j: number, role: "vector" | "head", block: string): nn.ParameterSpec => ({
    name: coordinate(j, d),
    shape: [1],
    role,
    block,
    initialize: nn.zeros,
  });
  const rest = Array.from({ length: d }, (_, j) => j).filter((j) => !listed.includes(j));
  return [
    ...blocks.flatMap((block, i) => block.map((j) => spec(j, "vector", `block${i}`))),
    ...rest.map((j) => spec(j, "head", "head")),
  ];
}
