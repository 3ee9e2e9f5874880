/** The attacks of an audit by name, each on one observation, with what came of it. */
import { AnabranchError, type Executor } from "@anabranch/engine";
import type { Model } from "../models/model.ts";
import { inputsByRow } from "./analytic.ts";
import { deepLeakage, type Reconstruction } from "./deep-leakage.ts";
import { type Generator, searchGenerator } from "./generator-search.ts";
import { MOST_STEPS, type ReceivedGradient } from "./gradient-match.ts";
import { type Match, matchExamples } from "./image-quality.ts";
import { type AuxiliaryExamples, trainInversionNetwork } from "./inversion-network.ts";
import { invertGradients } from "./inverting-gradients.ts";
import {
  labelAccuracy,
  labelFromBias,
  labelFromWeights,
  labelsBySmallestEntry,
  labelsWithRepeats,
} from "./label-recovery.ts";
import { headLayer, inputLayer, layerGradient, nonSmoothParts, requireSearchable } from "./model-view.ts";
import type { Observation } from "./observe.ts";
import { type PixelScale, pixelBox, toPixels, truePixels } from "./pixels.ts";
import { hasSimilarity, structuralSimilarity } from "./structural-similarity.ts";

/**
 * Attacks by name.
 *
 * @example
 * ```ts
 * import { auditAttacks } from "@anabranch/core";
 * auditAttacks.includes("ig"); // => true
 * ```
 */
export const auditAttacks = ["labels", "fc", "dlg", "idlg", "ig", "gifd", "network"] as const;
export type AuditAttack = (typeof auditAttacks)[number];

/**
 * The attacks that fit a message: labels and fc where the layers allow it, iDLG on smooth models, and IG, whose refusal says
 * what protects a message that it cannot be run on.
 *
 * @example
 * ```ts
 * import { observeRound, usualAttacks } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * import { interpreter } from "@anabranch/engine";
 * const { prepared } = smallRun({ name: "fedavg" });
 * const { sum } = await observeRound(prepared, { round: 1 }, { executor: interpreter() });
 * usualAttacks(sum, prepared.model); // => ["labels", "fc", "ig"]
 * ```
 */
export function usualAttacks({ assumptions, layout }: Observation, model: Model): AuditAttack[] {
  const { examples, localSteps } = assumptions;
  const fits = localSteps === 1 && examples <= MOST_SMOOTH && nonSmoothParts(model).length === 0;
  return [
    ...(headLayer(layout) === undefined ? [] : (["labels"] as const)),
    ...(inputLayer(model, layout) === undefined ? [] : (["fc"] as const)),
    ...(fits ? (["idlg"] as const) : []),
    "ig",
  ];
}

/** Most examples that DLG is tried on unasked: it takes its time. */
const MOST_SMOOTH = 4;

export interface AttackSettings {
  /** Of searches; default: that of each attack. */
  readonly iterations?: number | undefined;
  readonly restarts?: number | undefined;
  /** Weight of the total variation; default 1e-2. */
  readonly tv?: number | undefined;
  readonly seed?: number | undefined;
  /** Whether the updates were sparsified, which an attacker knows. */
  readonly isSparse?: boolean | undefined;
  /** Of gifd. */
  readonly generator?: Generator | undefined;
  /** Of network: what the attacker has to train one on. */
  readonly auxiliary?: AuxiliaryExamples | undefined;
}

/** What an attack has found, measured against the truth. */
export interface AttackOutcome {
  readonly attack: AuditAttack;
  /** Examples that were looked for. */
  readonly examples: number;
  /** Recovered labels, and the share of them that is right; undefined where the model has no head to read. */
  readonly labels: readonly number[] | undefined;
  readonly labelAccuracy: number | undefined;
  /** Values in [0, 1] of each truth and of the reconstruction that it is matched with; empty without a search. */
  readonly pairs: readonly {
    readonly truth: Float64Array;
    readonly found: Float64Array | undefined;
    readonly psnr: number;
    readonly ssim: number | undefined;
  }[];
  readonly meanPsnr: number | undefined;
  readonly bestPsnr: number | undefined;
  readonly meanSsim: number | undefined;
  /** Share of the examples of which some reconstruction is within 0.05 on average. */
  readonly hits: number | undefined;
  /** The objective of a search at its end. */
  readonly loss: number | undefined;
}

/** Mean absolute error in [0, 1] at which an example counts as found. */
const FOUND = 0.05;
/** Of IG in an audit: published attacks take thousands, which find little more on small images. */
const ITERATIONS = 200;
/** Most examples that a search looks for. */
export const MOST_EXAMPLES = 16;

/**
 * Runs an attack on what was observed.
 *
 * @throws `audit/layer` where the first layer is not dense (fc), `audit/batch` for more examples than are searched for,
 *   `audit/generator` for gifd without one, `audit/auxiliary` for network without examples, and what the attacks throw
 *
 * @example
 * ```ts
 * import { attackObservation, observeRound, rangeScale } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * import { interpreter } from "@anabranch/engine";
 * const training = { batchSize: 1, localSteps: 1, learningRate: 0.1 };
 * const { prepared } = smallRun({ name: "fedavg" }, { training });
 * const { update } = await observeRound(prepared, { round: 1 }, { executor: interpreter() });
 * const scale = rangeScale(update!.truth.features);
 * const { labelAccuracy } = await attackObservation("labels", update!, prepared.model, scale, interpreter());
 * labelAccuracy; // => 1
 * ```
 */
export async function attackObservation(
  attack: AuditAttack,
  observation: Observation,
  model: Model,
  scale: PixelScale,
  executor: Executor,
  settings: AttackSettings = {},
): Promise<AttackOutcome> {
  const { examples } = observation.assumptions;
  const truth = truePixels(observation.truth.features, scale);
  const trueLabels = Array.from(observation.truth.labels.data, Number);
  const labels = recoverLabels(observation, model);
  const base = { attack, examples, labels, labelAccuracy: labels && labelAccuracy(trueLabels, labels) };
  if (attack === "labels") {
    if (labels === undefined) throw noHead(model);
    return { ...base, ...NOTHING_FOUND };
  }
  if (attack === "fc") {
    const found = readInputs(observation, model).map((input) => toPixels(input, scale));
    return { ...base, ...measured(truth, found, model), loss: undefined };
  }
  if (attack === "network") {
    const found = await inverted(observation, model, executor, settings);
    return { ...base, ...measured(truth, [found], model), loss: undefined };
  }
  const found = await search(attack, observation, model, scale, executor, labels, settings);
  const pixels = found.examples.map((example) => toPixels(example, scale));
  return {
    ...base,
    labels: found.labels,
    labelAccuracy: labelAccuracy(trueLabels, found.labels),
    ...measured(truth, pixels, model),
    loss: found.loss,
  };
}

const NOTHING_FOUND = {
  pairs: [],
  meanPsnr: undefined,
  bestPsnr: undefined,
  meanSsim: undefined,
  hits: undefined,
  loss: undefined,
};

/** The labels that the last layer shows; undefined where the layer is not in the message. */
export function recoverLabels({ gradient, layout, assumptions }: Observation, model: Model): number[] | undefined {
  const head = headLayer(layout);
  const layer = head === undefined ? undefined : layerGradient(gradient, layout, head);
  if (layer === undefined || model.labels.dtype === "float") return undefined;
  const { examples } = assumptions;
  const { weights, bias } = layer;
  if (bias === undefined)
    return examples === 1 ? [labelFromWeights(weights)] : labelsBySmallestEntry(weights, examples);
  return examples === 1 ? [labelFromBias(bias)] : labelsWithRepeats(bias, examples);
}

function readInputs({ gradient, layout }: Observation, model: Model): number[][] {
  const first = inputLayer(model, layout);
  const layer = first === undefined ? undefined : layerGradient(gradient, layout, first);
  if (layer?.bias !== undefined) return inputsByRow(layer);
  throw new AnabranchError({
    code: "audit/layer",
    message: "fc reads examples off a dense first layer with a bias, which this model does not have",
    where: `model ${model.name}`,
    received: `first layer ${layout.blocks[0] ?? "none"}`,
    expected: "a model such as mlp or logistic",
    advice: "Use --attack ig.",
  });
}

/** What a network makes of the message, whose training takes the same model. */
async function inverted(
  { parameters, gradient, assumptions: { examples } }: Observation,
  model: Model,
  executor: Executor,
  { auxiliary, iterations, seed }: AttackSettings,
): Promise<Float64Array> {
  if (auxiliary === undefined) throw noAuxiliary();
  if (examples > 1) throw severalExamples(examples);
  const network = await trainInversionNetwork(model, parameters, auxiliary, executor, { steps: iterations, seed });
  try {
    return await network.invert(gradient);
  } finally {
    await network.release();
  }
}

function search(
  attack: Exclude<AuditAttack, "labels" | "fc" | "network">,
  observation: Observation,
  model: Model,
  scale: PixelScale,
  executor: Executor,
  labels: readonly number[] | undefined,
  { iterations, restarts, seed, isSparse = false, tv = 1e-2, generator }: AttackSettings,
): Promise<Reconstruction> {
  requireSearchable(model);
  const { examples, batchSize, localSteps, learningRate } = observation.assumptions;
  if (examples > MOST_EXAMPLES) throw tooMany(examples);
  const received: ReceivedGradient = { parameters: observation.parameters, gradient: observation.gradient };
  const common = { examples, iterations, restarts, seed, onSupport: isSparse };
  if (attack === "dlg" || attack === "idlg") {
    if (localSteps > 1) throw severalSteps(localSteps);
    const known = attack === "idlg" ? (labels ?? missing(model)) : undefined;
    return deepLeakage(model, received, { ...common, labels: known }, executor);
  }
  const isImage = model.features.shape.length >= 2;
  const known = labels ?? missing(model);
  const steps = { batchSize, localSteps, learningRate, labels: known, tv: isImage ? tv : 0 };
  if (attack === "ig") {
    const box = pixelBox(scale);
    return invertGradients(
      model,
      received,
      { ...common, ...steps, box, iterations: iterations ?? ITERATIONS },
      executor,
    );
  }
  if (generator === undefined) throw noGenerator();
  return searchGenerator(model, received, generator, { ...common, ...steps }, executor);
}

function measured(
  truth: readonly Float64Array[],
  found: readonly Float64Array[],
  { features: { shape } }: Model,
): Pick<AttackOutcome, "pairs" | "meanPsnr" | "bestPsnr" | "meanSsim" | "hits"> {
  const match: Match = matchExamples(truth, found);
  const [height, width] = shape.length >= 2 ? (shape.slice(-2) as [number, number]) : [0, 0];
  const pairs = truth.map((own, row) => {
    const other = found[match.assignment[row]!];
    const ssim = other && hasSimilarity(height, width) ? similarity(own, other, height, width) : undefined;
    return { truth: own, found: other, psnr: match.psnr[row]!, ssim };
  });
  const near = truth.filter((own) => found.some((other) => meanAbsolute(own, other) < FOUND));
  const similarities = pairs.flatMap(({ ssim }) => (ssim === undefined ? [] : [ssim]));
  return {
    pairs,
    meanPsnr: match.meanPsnr,
    bestPsnr: match.psnr.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
    meanSsim: similarities.length === 0 ? undefined : similarities.reduce((a, b) => a + b, 0) / similarities.length,
    hits: near.length / truth.length,
  };
}

/** Mean over the channels. */
function similarity(a: Float64Array, b: Float64Array, height: number, width: number): number {
  const [size, channels] = [height * width, a.length / (height * width)];
  const each = Array.from({ length: channels }, (_, c) =>
    structuralSimilarity(a.subarray(c * size, (c + 1) * size), b.subarray(c * size, (c + 1) * size), height, width),
  );
  return each.reduce((sum, value) => sum + value, 0) / channels;
}

function meanAbsolute(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;
}

function missing(model: Model): never {
  throw noHead(model);
}

function noHead({ name }: Model): AnabranchError {
  return new AnabranchError({
    code: "audit/labels",
    message: "the labels cannot be read: the last layer is not in the message",
    where: `model ${name}`,
    expected: "a dense head that clients upload",
    advice: "A private head hides the labels. Use --attack dlg, which searches for them, or fc.",
  });
}

function severalSteps(steps: number): AnabranchError {
  return new AnabranchError({
    code: "audit/steps",
    message: "DLG matches the gradient of one step, and the clients take several",
    received: `${steps} local steps`,
    expected: "1 local step",
    advice: `Audit the worst case with --steps 1, or use --attack ig, which unrolls up to ${MOST_STEPS} steps.`,
  });
}

function tooMany(examples: number): AnabranchError {
  return new AnabranchError({
    code: "audit/batch",
    message: "too many examples to search for",
    received: `${examples} examples in one message`,
    expected: `at most ${MOST_EXAMPLES}`,
    advice: "Audit a smaller batch with --batch 1 --steps 1, or use --attack fc or labels.",
  });
}

function severalExamples(examples: number): AnabranchError {
  return new AnabranchError({
    code: "audit/batch",
    message: "the network is trained on gradients of single examples",
    received: `${examples} examples in one message`,
    expected: "1 example",
    advice: "Audit the worst case with --steps 1 --batch 1.",
  });
}

function noAuxiliary(): AnabranchError {
  return new AnabranchError({
    code: "audit/auxiliary",
    message: "an inversion network is trained on examples of the attacker, and there are none",
    expected: "examples of the attacked model's shape, with labels",
    advice: "The command takes the test examples; the library takes settings.auxiliary.",
  });
}

function noGenerator(): AnabranchError {
  return new AnabranchError({
    code: "audit/generator",
    message: "gifd searches in a generator, and there is none",
    expected: "a generator of the examples' shape",
    advice: "The command trains one on the test images; the library takes it as settings.generator.",
  });
}
