import { interpreter, matmul, transpose } from "@anabranch/engine";
import * as z from "zod";
import {
  broadcastCosine,
  type GeneratorSearchSettings,
  type GeneratorStage,
  hasParallelRows,
  inputOfLayer,
  inputsByBin,
  invertGradients,
  isBiasLadder,
  type LayerGradient,
  labelFromBias,
  labelFromWeights,
  labelsBySmallestEntry,
  labelsPresent,
  labelsWithRepeats,
  type MatchValue,
  matchExamples,
  normOf,
  openMatch,
  projectToBall,
  pruneSmallest,
  revealingFeatures,
  searchGenerator,
  structuralSimilarity,
  zeroFeatures,
} from "../audit/index.ts";
import { logistic, type Model, mlp } from "../models/index.ts";
import { clipUpdate } from "../privacy/mechanisms/index.ts";
import type { Operation } from "./operation.ts";
import { vector, vectorList } from "./quadratic-problem.ts";
import { flatten, layoutOf, type Nested, tensors, unflatten } from "./tensors.ts";

/** W [outputs][inputs] and b [outputs] of a layer, or their gradient. */
const layer = z.looseObject({ W: vectorList, b: vector });
const gradientOf = ({ W, b }: z.infer<typeof layer>): LayerGradient => ({ weights: W, bias: b });

const analytic: Operation = {
  async run(input) {
    const { gradient, update, imprint } = z
      .looseObject({ gradient: layer.optional(), update: layer.optional(), imprint: layer.optional() })
      .parse(input);
    return {
      ...(gradient && { x: inputOfLayer(gradientOf(gradient)) ?? null }),
      ...(update && { fromUpdate: inputOfLayer(gradientOf(update)) ?? null }),
      ...(imprint && { imprint: inputsByBin(gradientOf(imprint)) }),
    };
  },
};

const labels: Operation = {
  async run(input) {
    const cases = z.record(z.string(), layer).parse(input);
    const out: Record<string, unknown> = {};
    const { single, ...batches } = cases;
    if (single !== undefined) {
      out["single"] = labelFromBias(single.b);
      out["fromWeights"] = labelFromWeights(single.W);
    }
    // the smaller batch has distinct labels, the larger one repeats them
    const sized = Object.entries(batches).map(([name, { W, b }]) => ({ W, b, count: Number(/\d+$/.exec(name)?.[0]) }));
    const [distinct, repeated = distinct] = sized.sort((a, b) => a.count - b.count);
    if (distinct !== undefined) {
      out["unique"] = labelsPresent(distinct.b);
      out["smallest"] = labelsBySmallestEntry(distinct.W, distinct.count);
      out["repeated"] = labelsWithRepeats(repeated!.b, repeated!.count);
    }
    return out;
  },
};

const metrics: Operation = {
  async run(input) {
    const images = z.array(z.array(z.array(z.number())));
    const { truth, reconstructed } = z.looseObject({ truth: images, reconstructed: images }).parse(input);
    return matchExamples(
      truth.map((image) => image.flat()),
      reconstructed.map((image) => image.flat()),
    );
  },
};

const ssim: Operation = {
  async run(input) {
    const { a, b } = z.looseObject({ a: vectorList, b: vectorList }).parse(input);
    return { ssim: structuralSimilarity(a.flat(), b.flat(), a.length, a[0]!.length) };
  },
};

const guard: Operation = {
  async run(input) {
    const named = z.record(z.string(), vectorList);
    const { weights, biases, lastWeights } = z
      .looseObject({ weights: named, biases: z.record(z.string(), vector).default({}), lastWeights: named.optional() })
      .parse(input);
    const each = <T, R>(of: Readonly<Record<string, T>>, fn: (value: T) => R) =>
      Object.fromEntries(Object.entries(of).map(([name, value]) => [name, fn(value)]));
    const names = Object.keys(weights);
    const all = (of: typeof weights) => names.flatMap((name) => of[name]!.flat());
    return {
      parallelRows: each(weights, hasParallelRows),
      biasLadder: each(biases, isBiasLadder),
      ...(lastWeights && { cosine: broadcastCosine(all(weights), all(lastWeights)) }),
      norms: each(weights, (rows) => normOf(rows.flat())),
    };
  },
};

const defences: Operation = {
  async run(input) {
    const fraction = z.number().min(0).max(1);
    const given = z
      .looseObject({
        message: tensors,
        clipNorm: z.number().positive().optional(),
        fraction: fraction.optional(),
        representation: vector.optional(),
        jacobian: vectorList.optional(),
        soteriaFraction: fraction.optional(),
      })
      .parse(input);
    const { message, clipNorm, representation, jacobian, soteriaFraction } = given;
    const of = layoutOf(message);
    const out: Record<string, unknown> = {};
    if (clipNorm !== undefined) {
      const delta = flatten(message, of);
      clipUpdate({ delta }, { delta: of }, clipNorm, "flat");
      out["clip"] = unflatten(delta, of, message);
    }
    if (given.fraction !== undefined) {
      const pruned = flatten(message, of);
      pruneSmallest(pruned, of, given.fraction);
      out["topk"] = unflatten(pruned, of, message);
    }
    if (representation !== undefined && jacobian !== undefined && soteriaFraction !== undefined) {
      const zeroed = revealingFeatures(representation, jacobian, soteriaFraction);
      const rows = vectorList.parse(message["W2"]).map((row) => Float64Array.from(row));
      zeroFeatures(rows, zeroed);
      Object.assign(out, { soteriaZeroed: zeroed, soteriaW2: rows.map((row) => Array.from(row)) });
    }
    return out;
  },
};

/** A net W2 act(W1 x + b1) + b2. */
const net = z.strictObject({ W1: vectorList, b1: vector, W2: vectorList, b2: vector });
type Net = z.infer<typeof net>;
const activation = z.enum(["relu", "sigmoid", "tanh", "gelu", "silu", "softplus"]).default("sigmoid");

function modelOf({ W1, W2 }: Net, shape: readonly number[], name: z.infer<typeof activation>): Model {
  const sizes = { hidden: [W1.length], classes: W2.length };
  return mlp({ input: [...shape], inputType: "float", ...sizes, activation: name });
}

/** The vector of the model: bias before weight, [inputs, outputs]. */
function flat({ W1, b1, W2, b2 }: Net): Float64Array {
  return Float64Array.from([...b1, ...turned(W1), ...b2, ...turned(W2)]);
}

function turned(rows: readonly (readonly number[])[]): number[] {
  return rows[0]!.flatMap((_, i) => rows.map((row) => row[i]!));
}

function inRows(values: ArrayLike<number>, width: number): number[][] {
  const count = values.length / width;
  return Array.from({ length: count }, (_, r) => Array.from({ length: width }, (_, i) => values[r * width + i]!));
}

const dlg: Operation = {
  async run(input) {
    const given = z
      .looseObject({ parameters: net, activation, message: net, x: vectorList, y: vectorList })
      .parse(input);
    const { x, y, parameters, message } = given;
    const [features, classes] = [x[0]!.length, y[0]!.length];
    const model = modelOf(parameters, [features], given.activation);
    const received = { parameters: flat(parameters), gradient: flat(message) };
    const settings = { examples: x.length, distance: "squared", labels: "soft" } as const;
    const match = await openMatch(model, received, settings, interpreter());
    const value = await match.at(Float64Array.from(x.flat()), Float64Array.from(y.flat()));
    await match.release();
    return { distance: value.loss, gradX: inRows(value.x, features), gradY: inRows(value.y!, classes) };
  },
};

const ig: Operation = {
  async run(input) {
    const given = z
      .looseObject({
        parameters: net,
        activation: activation.default("relu"),
        message: net,
        label: z.int().min(0),
        tv: z.number().min(0),
        learningRate: z.number().positive(),
        steps: z.int().min(1),
        x: vectorList,
      })
      .parse(input);
    const { parameters, message, x, label, tv, learningRate, steps } = given;
    const shape = [x.length, x[0]!.length];
    const model = modelOf(parameters, shape, given.activation);
    const values: MatchValue[] = [];
    const images: number[][][] = [];
    const settings = {
      ...{ examples: 1, labels: [label], tv, rate: learningRate, iterations: steps, decays: [] },
      box: { low: [0], high: [1] },
      start: Float64Array.from(x.flat()),
      onStep(value: MatchValue, examples: Float64Array) {
        values.push({ ...value, x: Float64Array.from(value.x) });
        images.push(inRows(examples, shape[1]!));
      },
    };
    const received = { parameters: flat(parameters), gradient: flat(message) };
    await invertGradients(model, received, settings, interpreter());
    return { loss: values[0]!.loss, gradient: inRows(values[0]!.x, shape[1]!), images };
  },
};

const gifd: Operation = {
  async run(input) {
    const given = z
      .looseObject({
        ...{
          W: vectorList,
          b: vector,
          label: z.int().min(0),
          message: vector,
          A0: vectorList,
          A1: vectorList,
          z: vector,
        },
        learningRate: z.number().positive(),
        steps: z.int().min(0),
        radius: z.number().min(0),
        project: z.looseObject({ v: vector, radius: z.number().min(0) }).optional(),
      })
      .parse(input);
    const { W, b, A0, A1, message, radius, project } = given;
    const model = logistic({ input: [W[0]!.length], inputType: "float", classes: W.length });
    const stage = (name: string, rows: number[][]): GeneratorStage => ({
      shape: [rows[0]!.length],
      apply: (parameters, h) => matmul(h, transpose(parameters[name]!, [1, 0])),
    });
    const maps = { A0, A1 } satisfies Record<string, Nested>;
    const of = layoutOf(maps);
    const generator = { layout: of, parameters: flatten(maps, of), stages: [stage("A0", A0), stage("A1", A1)] };
    const weights = W.length * W[0]!.length;
    const gradient = Float64Array.from([
      ...message.slice(weights),
      ...turned(inRows(message.slice(0, weights), W[0]!.length)),
    ]);
    const settings: GeneratorSearchSettings = {
      ...{ examples: 1, labels: [given.label], iterations: given.steps, rate: given.learningRate },
      ...{ optimizer: "descent", radii: [radius], start: Float64Array.from(given.z) },
    };
    const received = { parameters: Float64Array.from([...b, ...turned(W)]), gradient };
    const found = await searchGenerator(model, received, generator, settings, interpreter());
    const [latent, features] = found.inputs;
    return {
      z: Array.from(latent!),
      h: Array.from(features!),
      losses: found.losses,
      stage: found.stage,
      image: Array.from(found.examples[0]!),
      ...(project && { projected: projectToBall(project.v, project.radius) }),
    };
  },
};

/** Operations of gradient inversion by name. */
export const gradientInversionOperations: Readonly<Record<string, Operation>> = {
  "gia/analytic": analytic,
  "gia/labels": labels,
  "gia/metrics": metrics,
  "gia/ssim": ssim,
  "gia/guard": guard,
  "gia/defences": defences,
  "gia/dlg": dlg,
  "gia/ig": ig,
  "gia/gifd": gifd,
};
