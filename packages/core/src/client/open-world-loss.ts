import {
  AnabranchError,
  add,
  argmax,
  cast,
  constant,
  div,
  gather,
  greater,
  type Loop,
  type LoopInputs,
  layerInput,
  less,
  max,
  maximum,
  mul,
  oneHot,
  softmax,
  sub,
  sum,
  type Tensor,
  where,
} from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import {
  adaptiveMargin,
  calibrationLoss,
  centroidPosterior,
  classWeights,
  knownRows,
  openWorldTerms,
  partnersOf,
  pseudoLabelLoss,
  suppressedLoss,
} from "../heterogeneity/index.ts";
import type { Model } from "../models/model.ts";
import { type CentroidTerms, needsCentroids } from "./centroid-statistic.ts";

/** The loss of clients of whose examples some have no label: strengths of its terms. All 0: cross-entropy of the labelled ones. */
export interface OpenWorldLoss extends CentroidTerms {
  /** Factor of the uncertainty in the margin of labelled examples. */
  readonly margin: number;
  readonly pairwise: number;
  readonly entropy: number;
  readonly suppressed: number;
  /** Weight of a class in the suppressed term that no example seems to have. */
  readonly rareWeight: number;
  /** The second view of images: themselves, or mirrored. */
  readonly view: "same" | "mirrored";
}

/** What a client measures under the model that it receives, before its local steps. */
export interface OpenWorldStart {
  /** Addition to the true logit, a scalar. */
  readonly margin: Tensor;
  /** Of the classes in the suppressed term, [C]. */
  readonly weights: Tensor;
  /** Where the loss has terms of centroids: what the client was given of them, see `centroidStatistic`. */
  readonly centroids?: Readonly<Record<"rows" | "calibration" | "pseudoLabels", Tensor>>;
}

/** T, of posteriors over centroids. */
const TEMPERATURE = 0.1;

/** The margin and the weights of a client, from its uncertainty and from labels and pseudo-labels of all of its examples. */
export function openWorldStart(
  model: Model,
  parameters: ParameterTensors,
  { features, labels }: { readonly features: Tensor; readonly labels: Tensor },
  { margin, rareWeight }: OpenWorldLoss,
): OpenWorldStart {
  const { classes } = model;
  const p = softmax(model.forward(parameters, features));
  const given = cast(labels, "int32");
  const ones = sum(mul(p, 0), [1]);
  const known = knownRows(given, classes, add(ones, 1));
  const unknown = sub(1, known);
  const certain = sum(mul(max(p, [1]), unknown));
  const count = sum(unknown);
  const uncertainty = where(greater(count, 0), sub(1, div(certain, maximum(count, 1))), 0);
  const pseudo = where(less(given, constant(classes, [], "int32")), given, argmax(p, 1));
  return {
    margin: adaptiveMargin(uncertainty, margin),
    weights: classWeights(sum(oneHot(pseudo, classes), [0]), rareWeight),
  };
}

/** A batch: its features and their outputs, labels [B], what each row weighs, and the outputs of other features. */
interface Batch {
  readonly features: Tensor;
  readonly outputs: Tensor;
  readonly labels: Tensor;
  readonly weights: Tensor;
  view(features: Tensor): Tensor;
}

/** The mean loss of a batch, a scalar. Every row that counts has the same weight. */
export function openWorldLoss(
  model: Model,
  { features, outputs, labels, weights, view }: Batch,
  { margin, weights: byClass, centroids }: OpenWorldStart,
  loss: OpenWorldLoss,
): Tensor {
  const { classes } = model;
  const given = cast(labels, "int32");
  const counts = where(greater(weights, 0), 1, 0);
  const other = loss.view === "mirrored" ? view(mirrored(features)) : outputs;
  const own = beforeHead(model, outputs);
  const partners = partnersOf(own, given, classes, counts);
  const terms = openWorldTerms({ views: [outputs, other], labels: given, partners, counts }, margin);
  const unknown = sub(counts, knownRows(given, classes, counts));
  return [
    terms.supervised,
    mul(loss.pairwise, terms.pairwise),
    mul(loss.entropy, terms.entropy),
    mul(loss.suppressed, suppressedLoss(outputs, unknown, byClass)),
    ...(centroids && needsCentroids(loss) ? centroidTerms() : []),
  ].reduce((sum, term) => add(sum, term));

  function centroidTerms(): Tensor[] {
    const { rows, calibration, pseudoLabels } = centroids!;
    const posteriorOf = (features: Tensor) => centroidPosterior(features, rows, TEMPERATURE);
    const posterior = posteriorOf(own);
    const terms: Tensor[] = [];
    if (loss.calibration > 0) {
      const alike = calibrationLoss(posterior, partners, { other: posteriorOf(beforeHead(model, other)), counts });
      terms.push(mul(calibration, alike));
    }
    if (loss.pseudoLabels > 0)
      terms.push(mul(pseudoLabels, pseudoLabelLoss(outputs, unknown, posterior, loss.confidence)));
    return terms;
  }
}

/** What the last layer of a model sees, [B, q]. Throws `model/no-features`. */
function beforeHead({ name }: Model, outputs: Tensor): Tensor {
  const features = layerInput(outputs);
  if (features?.shape.length === 2) return features;
  throw new AnabranchError({
    code: "model/no-features",
    message: "this model has no dense layer at its end, whose inputs the loss compares",
    where: `model ${name}, training.openWorld`,
    expected: "a classifier that ends with a dense layer",
    advice: "Choose another model, e.g. mlp.",
  });
}

/** Images from right to left. */
function mirrored(images: Tensor): Tensor {
  const axis = images.shape.length - 1;
  const width = images.shape[axis] as number;
  const order = Array.from({ length: width }, (_, place) => width - 1 - place);
  return gather(images, constant(order, [width], "int32"), axis);
}

/** What the loop carries beside its own. */
interface Measured {
  readonly loop: ReturnType<Loop["begin"]>;
  readonly start: OpenWorldStart;
}

/** A loop whose steps see, as `data.openWorld`, what the client measured before the first of them. */
export function afterMeasuring(loop: Loop, measure: (inputs: LoopInputs) => OpenWorldStart): Loop {
  const seen = (inputs: LoopInputs, openWorld: OpenWorldStart): LoopInputs =>
    ({ ...inputs, data: { ...(inputs["data"] as object), openWorld } }) as unknown as LoopInputs;
  return {
    begin(inputs) {
      const start = measure(inputs);
      return { loop: loop.begin(seen(inputs, start)), start: { ...start } };
    },
    step(carry, slice, inputs) {
      const { loop: own, start } = carry as unknown as Measured;
      const next = loop.step(own, slice, seen(inputs, start));
      return { carry: { loop: next.carry, start: { ...start } }, output: next.output };
    },
    end(carry, outputs, inputs) {
      const { loop: own, start } = carry as unknown as Measured;
      return loop.end(own, outputs, seen(inputs, start));
    },
  };
}
