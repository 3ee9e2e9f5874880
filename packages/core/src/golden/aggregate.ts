import * as z from "zod";
import { aggregate, type BeforeStage, type RobustRule } from "../aggregation/robust/index.ts";
import type { Operation } from "./operation.ts";

/** JSON has no numbers that are not finite: they stand as strings. */
const number = z.union([
  z.number(),
  z.literal("NaN").transform(() => Number.NaN),
  z.literal("Infinity").transform(() => Number.POSITIVE_INFINITY),
  z.literal("-Infinity").transform(() => Number.NEGATIVE_INFINITY),
]);
const vector = z.array(number).transform((values) => Float64Array.from(values));
const inputOf = z.strictObject({
  vectors: z.array(vector).min(1),
  weights: z.array(z.number().min(0)).optional(),
  previous: vector.optional(),
  root: vector.optional(),
});

const f = z.int().min(0);
const stage = z
  .discriminatedUnion("name", [
    z.strictObject({ name: z.enum(["nnm", "adaptive-clipping"]), f }),
    z.strictObject({
      name: z.literal("bucketing"),
      size: z.int().min(1),
      permutation: z.array(z.int().min(0)).optional(),
    }),
    z.strictObject({ name: z.literal("norm-bound"), norm: number }),
  ])
  .transform(renamed<BeforeStage>);
const before = z.array(stage).optional();
const iterations = z.int().min(0);
const rule = z
  .discriminatedUnion("name", [
    z.strictObject({ name: z.enum(["mean", "median", "fltrust"]), before }),
    z.strictObject({ name: z.literal("norm-bound"), norm: number, before }),
    z.strictObject({ name: z.literal("trimmed-mean"), f: f.optional(), ratio: z.number().min(0).optional(), before }),
    z.strictObject({ name: z.enum(["meamed", "phocas", "bulyan", "minimum-diameter"]), f, before }),
    z.strictObject({ name: z.literal("krum"), f, neighbours: z.int().min(1).optional(), before }),
    z.strictObject({
      name: z.literal("multi-krum"),
      f,
      neighbours: z.int().min(1).optional(),
      m: z.int().min(1).optional(),
      mode: z.enum(["once", "iterative"]).optional(),
      before,
    }),
    z.strictObject({
      name: z.literal("geometric-median"),
      iterations,
      smoothing: z.number().min(0),
      tolerance: z.number().min(0).optional(),
      before,
    }),
    z.strictObject({ name: z.literal("centred-clipping"), radius: number, iterations: iterations.optional(), before }),
  ])
  .transform(renamed<RobustRule>);

/** A rule or stage with the names of its options in the product. */
function renamed<T>(given: {
  readonly name: string;
  readonly f?: number | undefined;
  readonly m?: number | undefined;
}): T {
  const { f: byzantine, m: average, ...rest } = given;
  return {
    ...rest,
    ...(byzantine === undefined ? {} : { byzantine }),
    ...(average === undefined ? {} : { average }),
  } as T;
}

/** The rule of a case; other operations try attacks against it. */
export const ruleSchema = rule;

/** A rule on given vectors: `aggregate`, and what the rule reports beside it. */
export const aggregateOperation: Operation = {
  async run(input, options) {
    const { vectors, ...inputs } = inputOf.parse(input);
    const result = aggregate(rule.parse(options), vectors, inputs);
    return { ...result, aggregate: [...result.aggregate] };
  },
};
