import {
  AnabranchError,
  add,
  cast,
  clipByGlobalNorm,
  div,
  gather,
  hessianProduct,
  mul,
  type nn,
  square,
  sum,
  type Tensor,
  type TensorTree,
  valueAndGrad,
  valueAndGradWith,
} from "@anabranch/engine";
import type { BatchOutputs, Local, LocalStep, ParameterTensors, TracedVectors } from "../algorithms/algorithm.ts";
import { labelCounts } from "../heterogeneity/index.ts";
import type { Model } from "../models/model.ts";
import { type LossAdjustment, lossOutputs, penaltyOf } from "./loss-adjustment.ts";
import { type OpenWorldLoss, openWorldLoss } from "./open-world-loss.ts";
import { representationsOf, type TaskData } from "./representations.ts";
import type { AllExamples, Measurement, RoundStatistic, TracedExamples } from "./round-statistic.ts";

/** One step's slice of the program's inputs. */
export interface StepInputs {
  readonly indices: Tensor;
  readonly weights: Tensor;
  readonly learningRate: Tensor;
  readonly masks: Record<string, Tensor>;
  readonly draws: Record<string, TensorTree>;
}

type Report = nn.TrainingBatch["report"];
type Gradients = Omit<LocalStep, keyof Local | "draws" | "learningRate">;

/** Told the work of every call, in gradients. */
export type CountGradients = (kind: "gradient" | "curvature", gradients: number) => void;

/** What of a run's settings gradients depend on. */
export interface StepSettings {
  readonly gradientClip: number;
  readonly loss?: LossAdjustment | undefined;
  readonly statistics?: readonly (Measurement | RoundStatistic)[] | undefined;
  /** What the client has received, statistics of the last round among it. */
  readonly given?: TracedVectors | undefined;
  /** What the method adds to the loss of a mini-batch. */
  readonly penalty?: ((batch: BatchOutputs) => Tensor) | undefined;
  /** In place of the model's loss where labels are hidden. */
  readonly openWorld?: OpenWorldLoss | undefined;
}

/** The mean loss of a batch whose labels are known. */
function labelledLoss(
  model: Model,
  outputs: Tensor,
  labels: Tensor,
  { weights }: Pick<StepInputs, "weights">,
  loss: LossAdjustment | undefined,
): Tensor {
  const mean = sum(mul(model.losses(outputs, labels), weights));
  const penalty = penaltyOf(outputs, weights, loss);
  return penalty === undefined ? mean : add(mean, penalty);
}

/** What statistics and the method add to the mean loss of a batch; `raw` are the outputs as the model gives them. */
function penalties(
  batch: TracedExamples,
  raw: Tensor,
  { statistics = [], given, penalty }: StepSettings,
): readonly Tensor[] {
  const terms = statistics.flatMap((one) => {
    return "penalty" in one && one.penalty !== undefined ? [one.penalty(batch, given![one.name]!)] : [];
  });
  const { labels, weights } = batch;
  return penalty === undefined ? terms : [...terms, penalty({ outputs: raw, labels: asInt(labels), weights })];
}

/** What a local step can ask of its mini-batch. */
export function stepGradients(
  model: Model,
  data: TaskData,
  step: StepInputs,
  settings: StepSettings,
  count: CountGradients,
): Gradients {
  const { gradientClip, loss, openWorld } = settings;
  const adjusted = lossOutputs(model, data.labels, loss);
  const features = gather(data.features, step.indices);
  const forward = (parameters: ParameterTensors, seen: Tensor, report: Report = () => {}) =>
    model.forward(parameters, seen, { masks: step.masks ?? {}, batch: { weights: step.weights, report } });
  const outputsAt = (parameters: ParameterTensors) => adjusted(forward(parameters, features));
  const meanLoss = (outputs: Tensor, labels: Tensor) => labelledLoss(model, outputs, labels, step, loss);
  const lossAt = (parameters: ParameterTensors, report?: Report) => {
    const raw = forward(parameters, features, report);
    const [outputs, labels] = [adjusted(raw), gather(data.labels, step.indices)];
    const view = (seen: Tensor) => forward(parameters, seen);
    const own = { features, outputs, labels, weights: step.weights, view };
    const mean = openWorld ? openWorldLoss(model, own, data.openWorld!, openWorld) : meanLoss(outputs, labels);
    const batch = { parameters, outputs, labels, weights: step.weights, loss: mean };
    return penalties(batch, raw, settings).reduce((sum, term) => add(sum, term), mean);
  };
  const plain = (parameters: ParameterTensors) => valueAndGrad((p) => lossAt(p), parameters);
  return {
    loss(parameters) {
      count("gradient", 1 / 3); // the way back costs twice the way there
      return lossAt(parameters);
    },
    gradient(parameters) {
      count("gradient", 1);
      const { value, gradients, auxiliary } = withStatistics(lossAt, parameters);
      const clipped = gradientClip > 0 ? clipByGlobalNorm(gradients, gradientClip) : gradients;
      return { loss: value, gradients: clipped, statistics: auxiliary };
    },
    hessianProduct(parameters, tangent) {
      count("curvature", 2);
      return hessianProduct((p) => plain(p).gradients, parameters, tangent);
    },
    sampledGradient(parameters, uniform) {
      count("curvature", 1);
      const sample = model.sample ?? refuseToSample(model);
      const sampledLoss = (p: ParameterTensors) => {
        const outputs = outputsAt(p);
        return meanLoss(outputs, sample(outputs, uniform));
      };
      const positions = model.labels.shape.reduce((a, b) => a * b, 1);
      // n equal weights 1 / n: their squares sum to 1 / n
      const terms = div(positions, sum(square(step.weights)));
      return { gradients: valueAndGrad(sampledLoss, parameters).gradients, terms };
    },
    classCounts: () => labelCounts(data.labels, model.classes),
    representations(parameters) {
      count("gradient", 1 / 3);
      const rows = { features: gather(data.features, step.indices), labels: gather(data.labels, step.indices) };
      const context = { masks: step.masks ?? {}, batch: { weights: step.weights, report: () => {} } };
      return { ...representationsOf(model, parameters, rows, context), weights: step.weights };
    },
  };
}

const asInt = (labels: Tensor): Tensor => (labels.dtype === "int32" ? labels : cast(labels, "int32"));

/** Value and gradients, and what the batch makes of running statistics. */
function withStatistics(
  lossAt: (parameters: ParameterTensors, report: Report) => Tensor,
  parameters: ParameterTensors,
) {
  return valueAndGradWith((given: ParameterTensors) => {
    const auxiliary: Record<string, Tensor> = {};
    const value = lossAt(given, (name, after) => {
      auxiliary[name] = after;
    });
    return { value, auxiliary };
  }, parameters);
}

/** All examples of a client under a model, without dropout. */
export function allExamples(
  model: Model,
  { features, labels }: TaskData,
  parameters: ParameterTensors,
  { loss }: StepSettings,
): AllExamples {
  const outputs = lossOutputs(model, labels, loss)(model.forward(parameters, features));
  const losses = model.losses(outputs, labels);
  const ones = add(mul(losses, 0), 1); // n is symbolic
  const weights = div(ones, sum(ones));
  const headInputs = () => representationsOf(model, parameters, { features, labels }).features;
  return { parameters, outputs, labels, weights, loss: sum(mul(losses, weights)), headInputs };
}

function refuseToSample(model: Model): never {
  throw new AnabranchError({
    code: "model/no-sample",
    message: "this model cannot draw labels from its own outputs, which the Gauss-Newton estimate needs",
    where: `model ${model.name}`,
    expected: "a model with `sample`, as every classifier",
    advice: "Choose another estimate of the curvature, or another model.",
  });
}
