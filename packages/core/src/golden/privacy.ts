import * as z from "zod";
import { fold } from "../aggregation/index.ts";
import { dpFedlamb } from "../algorithms/dp-fedlamb.ts";
import { clipUpdate, layerBounds } from "../privacy/mechanisms/clip.ts";
import type { Operation } from "./operation.ts";
import { flatten, layoutOf, type Tensors, tensors, unflatten } from "./tensors.ts";

const lambInput = z.strictObject({
  parameters: tensors,
  means: z.array(tensors),
  serverLearningRate: z.number().positive(),
  beta1: z.number(),
  beta2: z.number(),
  adaptivity: z.number().positive(),
  weightDecay: z.number().min(0).default(0),
});

/** `rounds`: parameters after each server step of dp-fedlamb on given mean updates. */
export const lambOperation: Operation = {
  async run(input) {
    const { parameters, means, serverLearningRate, beta1, beta2, adaptivity, weightDecay } = lambInput.parse(input);
    const method = dpFedlamb({
      serverLearningRate,
      serverBeta1: beta1,
      serverBeta2: beta2,
      adaptivity,
      serverWeightDecay: weightDecay,
    });
    const layout = layoutOf(parameters);
    const about = { cohortSize: 1, population: 1, learningRate: 1, localSteps: 1, weightedSteps: 1, layout };
    let state = method.init(flatten(parameters, layout), layout);
    const rounds: Tensors[] = [];
    for (const [index, mean] of means.entries()) {
      state = method.update(state, { delta: flatten(mean, layout) }, { ...about, round: index + 1 });
      rounds.push(unflatten(state.vectors.parameters, layout, parameters));
    }
    return { rounds };
  },
};

const clipInput = z.strictObject({ updates: z.array(tensors).min(1), clipNorm: z.number().positive() });
const forms = { perLayer: "per-layer", bySize: "per-layer-by-size" } as const;

/** `bounds` of each layer and the `mean` of the clipped updates, for both ways to share the clip norm. */
export const clipOperation: Operation = {
  async run(input) {
    const { updates, clipNorm } = clipInput.parse(input);
    const layout = layoutOf(updates[0]!);
    const sizes = layout.entries.map(({ size }) => size);
    const each = Object.entries(forms).map(([name, clipping]) => {
      const shares = layerBounds(sizes, clipNorm, clipping);
      const bounds = Object.fromEntries(layout.entries.map((entry, i) => [entry.name, shares[i]!]));
      const mean = fold("uniformMean", layout.size);
      for (const update of updates) {
        const delta = flatten(update, layout);
        clipUpdate({ delta }, { delta: layout }, clipNorm, clipping);
        mean.add(delta, 1);
      }
      return { name, bounds, mean: unflatten(mean.result(new Float64Array(layout.size)), layout, updates[0]!) };
    });
    return {
      bounds: Object.fromEntries(each.map(({ name, bounds }) => [name, bounds])),
      mean: Object.fromEntries(each.map(({ name, mean }) => [name, mean])),
    };
  },
};
