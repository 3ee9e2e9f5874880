import { interpreter } from "@anabranch/engine";
import * as z from "zod";
import { logistic } from "../models/index.ts";
import { firstOrder, stalenessFactor } from "../schedule/index.ts";
import { convertStaleUpdate } from "../simulation/stale-conversion.ts";
import type { Operation } from "./operation.ts";
import { vector, vectorList } from "./quadratic-problem.ts";

const updateInput = z.strictObject({
  update: vector,
  model: vector,
  baseModel: vector,
  staleness: z.int().min(0),
});
const updateOptions = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("first-order"), lambda: z.number().default(4) }),
  z.strictObject({ name: z.literal("discount"), halfLife: z.number().positive().default(20) }),
]);

/** The `update` that is added in place of a stale one. */
export const staleUpdateOperation: Operation = {
  async run(input, given) {
    const { update, model, baseModel, staleness } = updateInput.parse(input);
    const options = updateOptions.parse(given);
    if (options.name === "discount") {
      const factor = stalenessFactor({ form: "half-life", rate: options.halfLife, grace: 0 }, staleness);
      return { update: update.map((value) => factor * value) };
    }
    const [stale, current, base] = [update, model, baseModel].map((values) => Float64Array.from(values));
    return { update: Array.from(firstOrder(stale!, current!, base!, options.lambda)) };
  },
};

/** W [classes, features] and b [classes]. */
const layer = z.strictObject({ weights: vectorList, bias: vector });
type Layer = z.infer<typeof layer>;
const conversionInput = z.strictObject({
  learningRate: z.number().positive(),
  label: z.int().min(0),
  baseModel: layer,
  model: layer,
  staleUpdate: layer,
});

/** The update that the client would send from `model`: one hidden sample with a known label, one step. */
export const staleConversionOperation: Operation = {
  async run(input) {
    const { learningRate, label, baseModel, model, staleUpdate } = conversionInput.parse(input);
    const [classes, features] = [baseModel.bias.length, baseModel.weights[0]!.length];
    const softmaxLayer = logistic({ input: [features], inputType: "float", classes });
    const [base, current, stale] = [baseModel, model, staleUpdate].map(flat);
    const { update } = await convertStaleUpdate(
      softmaxLayer,
      { base: base!, current: current!, stale: stale! },
      { learningRate, examples: 1, labels: [label] },
      interpreter(),
    );
    const weight = (j: number, i: number) => update[classes + i * classes + j]!;
    return {
      weights: Array.from({ length: classes }, (_, j) => Array.from({ length: features }, (_, i) => weight(j, i))),
      bias: Array.from(update.subarray(0, classes)),
    };
  },
};

/** The layout of the model: bias before weight [features, classes]. */
function flat({ weights, bias }: Layer): Float64Array {
  return Float64Array.from([...bias, ...weights[0]!.flatMap((_, i) => weights.map((row) => row[i]!))]);
}
