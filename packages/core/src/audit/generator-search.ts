/**
 * GIFD: searches the inputs of a generator's stages, from its latent vector to its last features, for an image whose gradient
 * has the direction of the received one. Each stage starts at what the one before has found; its change stays in an l1 ball.
 * The image of the stage with the smallest objective counts.
 *
 * Citation: H. Fang, B. Chen, X. Wang, Z. Wang, S.-T. Xia, "GIFD: A Generative Gradient Inversion Method with Feature Domain
 * Optimization", ICCV 2023. Reconstructed. Differences: the released code returns the image of the last restart; here the best
 * stage counts. The generator is any one that is given, not a published network; the noise inputs of StyleGAN2 have no place.
 */
import {
  add,
  compileProgram,
  type Executor,
  gradients,
  type HostTensor,
  mean,
  mul,
  type Program,
  square,
  type Tensor,
  trace,
} from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { parameterInputs } from "../client/vectors.ts";
import type { Model } from "../models/model.ts";
import { sizeOf } from "../models/options.ts";
import { entryTypes, type Layout, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { HostAdam } from "../simulation/host-adam.ts";
import type { Reconstruction } from "./deep-leakage.ts";
import { executorFloats } from "./executor-floats.ts";
import {
  dummyMessage,
  type MatchSettings,
  messageDistance,
  type ReceivedGradient,
  totalVariation,
} from "./gradient-match.ts";
import { projectToBall } from "./l1-ball.ts";

/** One stage of a generator: features [B, ...shape] to those of the next stage, or to the examples. */
export interface GeneratorStage {
  /** Shape of one example's input. */
  readonly shape: readonly number[];
  apply(parameters: ParameterTensors, input: Tensor): Tensor;
}

/** A generator: latent vectors [B, ...stages[0].shape] to examples as the attacked model takes them. */
export interface Generator {
  readonly layout: Layout;
  /** [layout.size] */
  readonly parameters: Vector;
  readonly stages: readonly GeneratorStage[];
}

export interface GeneratorSearchSettings extends Omit<MatchSettings, "distance" | "labels"> {
  readonly labels: readonly number[];
  /** Steps in each stage; default 200. */
  readonly iterations?: number | undefined;
  readonly restarts?: number | undefined;
  /** Default 0.1. */
  readonly rate?: number | undefined;
  /** Adam, or plain gradient descent. */
  readonly optimizer?: "adam" | "descent" | undefined;
  /** Radius of the l1 ball of each stage after the first, for the whole batch; default: 10 % of the values of its features. */
  readonly radii?: readonly number[] | undefined;
  /** Weight of the mean square of the image; default 0. */
  readonly size?: number | undefined;
  readonly seed?: number | undefined;
  /** First latent vectors, [B * latent]; default: from N(0, 1). */
  readonly start?: Float64Array | undefined;
}

/** What a search of all stages has found. */
export interface GeneratorSearch extends Reconstruction {
  /** Stage whose image it is. */
  readonly stage: number;
  /** The objective at the end of each stage. */
  readonly losses: readonly number[];
  /** Inputs at the end of each stage, flat. */
  readonly inputs: readonly Float64Array[];
}

/**
 * Searches the stages of a generator for the examples behind a gradient.
 *
 * @throws `audit/steps`, `audit/model` or `audit/image`
 * @example
 * ```ts
 * import { interpreter, mul } from "@anabranch/engine";
 * import { layout, logistic, searchGenerator } from "@anabranch/core";
 * const model = logistic({ input: [2], inputType: "float", classes: 2 });
 * // the gradient of the example (1, 2) with label 0
 * const received = { parameters: new Float64Array(6), gradient: Float64Array.of(-0.5, 0.5, -0.5, 0.5, -1, 1) };
 * const double = { shape: [2], apply: (_: object, h: Parameters<typeof mul>[0]) => mul(h, 2) };
 * const generator = { layout: layout([]), parameters: new Float64Array(0), stages: [double] };
 * const start = Float64Array.of(1, 1);
 * const settings = { examples: 1, labels: [0], iterations: 50, start };
 * const { loss } = await searchGenerator(model, received, generator, settings, interpreter());
 * loss < 0.2; // => true
 * ```
 */
export async function searchGenerator(
  model: Model,
  received: ReceivedGradient,
  generator: Generator,
  settings: GeneratorSearchSettings,
  executor: Executor,
): Promise<GeneratorSearch> {
  const { restarts = 1, seed = 0, start } = settings;
  const latent = settings.examples * sizeOf(generator.stages[0]!.shape);
  let best: GeneratorSearch | undefined;
  for (let restart = 0; restart < restarts; restart++) {
    const stream = randomStream(deriveKey(rootKey(seed), "audit", restart));
    const first = restart === 0 && start ? start : Float64Array.from({ length: latent }, () => stream.normal());
    const found = await searchStages(model, received, generator, settings, executor, first);
    if (best === undefined || found.loss < best.loss) best = found;
  }
  return best!;
}

async function searchStages(
  model: Model,
  received: ReceivedGradient,
  generator: Generator,
  settings: GeneratorSearchSettings,
  executor: Executor,
  latent: Float64Array,
): Promise<GeneratorSearch> {
  const inputs: Float64Array[] = [];
  const images: ArrayLike<number>[] = [];
  const losses: number[] = [];
  let features = latent.slice();
  for (const stage of generator.stages.keys()) {
    const search = await openStage(model, received, generator, settings, executor, stage);
    const { x, loss, next } = await descend(search, features, stage, settings);
    await search.release();
    inputs.push(features);
    images.push(x);
    losses.push(loss);
    if (next !== undefined) features = Float64Array.from(next);
  }
  const stage = losses.reduce((least, loss, i) => (loss < losses[least]! ? i : least), 0);
  const size = images[stage]!.length / settings.examples;
  const examples = Array.from({ length: settings.examples }, (_, row) =>
    Float64Array.from({ length: size }, (_, i) => images[stage]![row * size + i]!),
  );
  return { examples, labels: settings.labels, loss: losses[stage]!, stage, losses, inputs };
}

interface StageValue {
  readonly loss: number;
  readonly gradient: ArrayLike<number>;
  readonly x: ArrayLike<number>;
  /** Input of the next stage; of the last one undefined. */
  readonly next: ArrayLike<number> | undefined;
}

interface StageSearch {
  at(features: Float64Array): Promise<StageValue>;
  release(): Promise<void>;
}

/** Moves the features of a stage in place: on the sphere of the latent vector, or in the l1 ball round where they began. */
async function descend(
  search: StageSearch,
  features: Float64Array,
  stage: number,
  { iterations = 200, rate = 0.1, optimizer = "adam", radii = [] }: GeneratorSearchSettings,
): Promise<StageValue> {
  const begin = features.slice();
  const radius = radii[stage - 1] ?? 0.1 * features.length;
  const norm = lengthOf(begin);
  const adam = new HostAdam(features);
  for (let iteration = 0; iteration < iterations; iteration++) {
    const { gradient } = await search.at(features);
    if (optimizer === "adam") adam.step(gradient, rate);
    else for (let i = 0; i < features.length; i++) features[i]! -= rate * gradient[i]!;
    if (stage === 0) {
      const factor = norm / lengthOf(features);
      for (let i = 0; i < features.length; i++) features[i]! *= factor;
    } else {
      const change = projectToBall(
        features.map((value, i) => value - begin[i]!),
        radius,
      );
      for (let i = 0; i < features.length; i++) features[i] = begin[i]! + change[i]!;
    }
  }
  return search.at(features);
}

async function openStage(
  model: Model,
  { parameters, gradient }: ReceivedGradient,
  generator: Generator,
  settings: GeneratorSearchSettings,
  executor: Executor,
  stage: number,
): Promise<StageSearch> {
  const of = layout(model.parameters);
  const executable = await executor.load(stageProgram(model, generator, settings, stage));
  const y = new Float64Array(settings.examples * model.classes);
  for (const [row, label] of settings.labels.entries()) y[row * model.classes + label] = 1;
  const floats = (values: Vector) => executorFloats(executor, values);
  const fixed = {
    ...parameterInputs("parameters", floats(parameters), of),
    ...parameterInputs("target", floats(gradient), of),
    ...parameterInputs("generator", floats(generator.parameters), generator.layout),
    y: { dtype: "float", shape: [settings.examples, model.classes], data: floats(y) } satisfies HostTensor,
  };
  const shape = [settings.examples, ...generator.stages[stage]!.shape];
  return {
    async at(features) {
      const outputs = await executable.run({ ...fixed, h: { dtype: "float", shape, data: floats(features) } });
      return {
        loss: outputs["loss"]!.data[0]!,
        gradient: outputs["h"]!.data,
        x: outputs["x"]!.data,
        next: outputs["next"]?.data,
      };
    },
    release: () => executable.release(),
  };
}

/** The objective by the input of one stage, with the image and the input of the next stage. */
function stageProgram(
  model: Model,
  { layout: own, stages }: Generator,
  settings: GeneratorSearchSettings,
  stage: number,
): Program {
  const { examples, tv = 0, size = 0 } = settings;
  const entries = entryTypes(layout(model.parameters));
  const traced = trace(
    (inputs) => {
      const { parameters, target, generator, h, y } = inputs as unknown as StageInputs;
      const outputs = [h];
      for (const { apply } of stages.slice(stage)) outputs.push(apply(generator, outputs.at(-1)!));
      const x = outputs.at(-1)!;
      const distance = messageDistance(
        dummyMessage(model, { ...settings, distance: "cosine", labels: "given" })(parameters, x, y),
        target,
        {
          ...settings,
          distance: "cosine",
        },
      );
      const smooth = tv === 0 ? distance : add(distance, mul(totalVariation(x), tv));
      const loss = size === 0 ? smooth : add(smooth, mul(mean(square(x)), size));
      const next = stage + 1 < stages.length ? { next: outputs[1]! } : {};
      return { loss, ...gradients(loss, { h }), x, ...next };
    },
    {
      parameters: entries,
      target: entries,
      generator: entryTypes(own),
      h: { dtype: "float", shape: [examples, ...stages[stage]!.shape] },
      y: { dtype: "float", shape: [examples, model.classes] },
    },
  );
  return compileProgram("generator-search", traced);
}

interface StageInputs {
  readonly parameters: ParameterTensors;
  readonly target: ParameterTensors;
  readonly generator: ParameterTensors;
  readonly h: Tensor;
  readonly y: Tensor;
}

function lengthOf(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
