import { abs, gradients, mul, square, sub, sum, type Tensor } from "@anabranch/engine";
import * as z from "zod";
import { fold } from "../aggregation/index.ts";
import { guidanceFrom } from "../algorithms/fedlex.ts";
import { crossEntropy } from "../heterogeneity/losses.ts";
import {
  averageSubModels,
  biasFreeNetwork,
  compressedWeight,
  dilatedWeight,
  explorationMask,
  heldEntries,
  keptEntries,
  maskedMomentumStep,
  scoreGradient,
  shrunkShape,
  signBytes,
  signedWeights,
  signVote,
  structuredMask,
  synapticFlow,
  weightedWeights,
} from "../submodels/index.ts";
import { labelList } from "./distillation.ts";
import { explorationMean } from "./fedlex.ts";
import type { Operation } from "./operation.ts";
import { vectorList } from "./quadratic-problem.ts";
import {
  flatten,
  layoutOf,
  type Nested,
  nested,
  numbersOf,
  shapeOf,
  type Tensors,
  tensors,
  unflatten,
} from "./tensors.ts";
import { gradientLists, listed, scalar, traced, tracedLabels } from "./traced.ts";

/** Axes of each weight that belong to hidden units: the first layer keeps its inputs, the last its outputs. */
function hiddenAxes(layer: number, layers: number): number[] {
  return [...(layer < layers - 1 ? [0] : []), ...(layer > 0 ? [1] : [])];
}

const sliceInput = z.strictObject({
  parameters: z.record(z.string(), vectorList),
  ratios: z.array(z.number().positive().max(1)).min(1),
  clients: z.array(z.record(z.string(), vectorList)).min(1),
});

/** HeteroFL's `parameters` from clients with models of their own widths; weights in the order of their layers. */
export const sliceOperation: Operation = {
  async run(input) {
    const { parameters, ratios, clients } = sliceInput.parse(input);
    const names = Object.keys(parameters);
    const averaged = names.map((name, layer) => {
      const old = parameters[name]!;
      const axes = hiddenAxes(layer, names.length);
      const parts = clients.map((client, i) => {
        return { places: heldEntries({ shape: shapeOf(old), axes }, ratios[i]!), values: client[name]!.flat() };
      });
      const flat = averageSubModels(Float64Array.from(old.flat()), parts);
      return [name, old.map((row, i) => Array.from(flat.subarray(i * row.length, (i + 1) * row.length)))];
    });
    return { parameters: Object.fromEntries(averaged) };
  },
};

const signInput = z.strictObject({
  w0: z.record(z.string(), vectorList),
  share: z.number().min(0).max(1),
  scores: z.record(z.string(), vectorList),
  x: vectorList,
  y: labelList,
  learningRate: z.number(),
  other: z.record(z.string(), vectorList),
  weights: z.array(z.number()).min(1),
});

/** HideNseek: what is kept, one step of the scores, and the vote with another client. */
export const signOperation: Operation = {
  async run(input) {
    const given = signInput.parse(input);
    const names = Object.keys(given.w0);
    const layout = layoutOf(given.w0);
    const eachLayer = <T>(make: (name: string) => T) => Object.fromEntries(names.map((name) => [name, make(name)]));
    const frozen = eachLayer((name) => traced(given.w0[name]!));
    const flows = synapticFlow(names.map((name) => abs(frozen[name]!)));
    const saliency = Object.fromEntries(names.map((name, layer) => [name, listed(flows[layer]!)]));
    // ties go by the order of the layers, not by that of their names
    const kept = splitLike(
      keptEntries(
        names.flatMap((name) => numbersOf(saliency[name]!)),
        given.share,
      ),
      given.w0,
    );
    const masks = eachLayer((name) => traced(kept[name]!));
    const scores = eachLayer((name) => traced(given.scores[name]!));
    const effective = eachLayer((name) => signedWeights(frozen[name]!, masks[name]!, scores[name]!));
    const outputs = biasFreeNetwork(
      names.map((name) => effective[name]!),
      traced(given.x),
    );
    const loss = crossEntropy(outputs, tracedLabels(given.y));
    const slopes = gradients(loss, effective);
    const steps = eachLayer((name) => scoreGradient(slopes[name]!, frozen[name]!, masks[name]!));
    const next = eachLayer((name) => listed(sub(scores[name]!, mul(given.learningRate, steps[name]!))));
    const flatKept = flatten(kept, layout);
    const vote = signVote([flatten(next, layout), flatten(given.other, layout)], given.weights, flatKept);
    return {
      saliency,
      layerSums: names.map((name) => numbersOf(saliency[name]!).reduce((a, b) => a + b, 0)),
      kept,
      effective: eachLayer((name) => listed(effective[name]!)),
      loss: scalar(loss),
      gradScores: eachLayer((name) => listed(steps[name]!)),
      scores: next,
      vote: unflatten(vote, layout, given.w0),
      bytes: signBytes(flatKept),
    };
  },
};

/** Values cut into named matrices, in the order of their names in `like`. */
function splitLike(values: ArrayLike<number>, like: Readonly<Record<string, readonly (readonly number[])[]>>) {
  let next = 0;
  const named = Object.entries(like).map(([name, rows]) => [name, rows.map((row) => row.map(() => values[next++]!))]);
  return Object.fromEntries(named) as Record<string, number[][]>;
}

const maskInput = z.strictObject({
  start: tensors,
  explorers: z.array(tensors).min(1),
  pruned: z.number().min(0).max(1),
  dropShare: z.number(),
  clients: z.array(tensors).min(1),
  samples: z.array(z.number().positive()).min(1),
  velocity: tensors,
  serverMomentum: z.number(),
});

/** AutoFLIP: the masks, and a server step on masked models of clients. Layers are W1, b1, W2, b2, ... */
export const explorationMaskOperation: Operation = {
  async run(input) {
    const given = maskInput.parse(input);
    const layout = layoutOf(given.start);
    const guidance = guidanceFrom(explorationMean(given.start, given.explorers, layout), layout);
    const { threshold, mask: flat } = explorationMask(guidance, given.pruned);
    const mask = unflatten(flat, layout, given.start);
    const { dropped, layers } = structuredMask(layersOf(mask), given.dropShare);
    const structuredMaskLists = Object.fromEntries(
      layers.flatMap(({ weight, bias }, i) => [
        [`W${i + 1}`, weight as Nested],
        [`b${i + 1}`, bias as Nested],
      ]),
    );
    const mean = fold("weightedMean", layout.size);
    for (const [i, client] of given.clients.entries()) mean.add(flatten(client, layout), given.samples[i]!);
    const start = flatten(given.start, layout);
    const next = maskedMomentumStep(start, flatten(given.velocity, layout), {
      change: mean.result(new Float64Array(layout.size)).map((value, j) => value - start[j]!),
      mask: flatten(structuredMaskLists, layout),
      momentum: given.serverMomentum,
    });
    return {
      ...{ threshold, mask, droppedUnits: dropped.flat(), structuredMask: structuredMaskLists },
      velocity: unflatten(next.velocity, layout, given.start),
      parameters: unflatten(next.parameters, layout, given.start),
    };
  },
};

function layersOf(mask: Tensors) {
  const count = Object.keys(mask).filter((name) => /^W\d+$/.test(name)).length;
  return Array.from({ length: count }, (_, i) => {
    return { weight: mask[`W${i + 1}`] as number[][], bias: mask[`b${i + 1}`] as number[] };
  });
}

const mapInput = z.strictObject({
  w: nested,
  ratio: z.number().positive().max(1),
  proj: z.number(),
  V: vectorList,
  gain: z.number(),
  clients: z.array(nested).min(1),
  filters: z.array(vectorList).min(1),
  gains: z.array(z.number()).min(1),
  samples: z.array(z.number().positive()).min(1),
  weights: z.array(nested).min(1),
});

/** Kernel of the sizes that FedConv's paper trains: a shape by shrink level. */
const LARGE = [32, 16, 3, 3];

/** FedConv: a weight `compressed` (as a convolution's, and its first kernel position as a linear one), `dilated`, `aggregated`. */
export const weightMapOperation: Operation = {
  async run(input) {
    const given = mapInput.parse(input);
    const filter = traced(given.V);
    const map = { filter, gain: traced(given.gain) };
    const [weight, projection] = [traced(given.w), traced(given.proj)];
    const compressed = compressedWeight(weight, map, projection);
    const dilated: Tensor[] = given.clients.map((client, i) => {
      return dilatedWeight(traced(client), { filter: traced(given.filters[i]!), gain: traced(given.gains[i]!) });
    });
    const factors = given.weights.map(traced);
    return {
      compressed: listed(compressed),
      compressedLinear: listed(compressedWeight(traced(firstPosition(given.w)), map, projection, false)),
      gradFilterOfSquare: gradientLists(sum(square(compressed)), { filter }).filter,
      dilated: dilated.map(listed),
      aggregated: listed(weightedWeights(dilated, factors, sharesOf(given.samples))),
      sizes: [0, 1, 2].map((level) => ({ level, shape: shrunkShape(LARGE, given.ratio ** level) })),
    };
  },
};

function sharesOf(counts: readonly number[]): number[] {
  const total = counts.reduce((a, b) => a + b, 0);
  return counts.map((count) => count / total);
}

/** A weight [out][in][kh][kw] at its first kernel position, [out][in][1][1]. */
function firstPosition(weight: Nested): Nested {
  return (weight as number[][][][]).map((rows) => rows.map((kernel) => [[kernel[0]![0]!]]));
}
