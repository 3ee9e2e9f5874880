import { matmul } from "@anabranch/engine";
import * as z from "zod";
import {
  activeStages,
  contrastiveLoss,
  distributionMatching,
  gradientMatching,
  lossWithMargin,
  refreshes,
  stageDistillationLoss,
  trainedStageHead,
} from "../heterogeneity/index.ts";
import type { Operation } from "./operation.ts";
import { vector, vectorList } from "./quadratic-problem.ts";
import { gradientLists, scalar, traced, tracedLabels } from "./traced.ts";

export const labelList = z.array(z.int().min(0)).min(1);
const head = z.strictObject({ W: vectorList, b: vector });

const marginInput = z.strictObject({ logits: vectorList, y: labelList, lambda_: z.number() });

/** FedLD's `loss` and its `gradient` by the logits. */
export const marginLossOperation: Operation = {
  async run(input) {
    const given = marginInput.parse(input);
    const logits = traced(given.logits);
    const loss = lossWithMargin(logits, tracedLabels(given.y), given.lambda_);
    return { loss: scalar(loss), gradient: gradientLists(loss, { logits }).logits };
  },
};

const partsInput = z.strictObject({
  stages: z.int().positive(),
  dropEvery: z.int().positive(),
  minimumStages: z.int().positive(),
  rounds: z.int().min(0),
  z: vectorList,
  y: labelList,
  clientSoft: vectorList,
  head,
  temperature: z.number().positive(),
  serverDistillation: z.number(),
  learningRate: z.number(),
  logits: vectorList,
  serverSoft: z.array(vectorList),
  weight: z.number(),
});

/** FedD2S: `activeStages` by round, the `head` after one step and its loss before, the client's loss and gradient. */
export const stagePartsOperation: Operation = {
  async run(input) {
    const { rounds, y, temperature, ...given } = partsInput.parse(input);
    const classes = given.z.map((features, i) => ({ features, label: y[i]!, soft: given.clientSoft[i]! }));
    const own = { weight: Float64Array.from(given.head.W.flat()), bias: Float64Array.from(given.head.b) };
    const { learningRate, serverDistillation } = given;
    const server = trainedStageHead(own, classes, { temperature, weight: serverDistillation, learningRate });
    const logits = traced(given.logits);
    const soft = given.serverSoft.map(traced);
    const clientLoss = stageDistillationLoss(logits, tracedLabels(y), soft, { temperature, weight: given.weight });
    const q = given.z[0]!.length;
    const rows = Array.from(given.head.b, (_, c) => Array.from(server.head.weight.subarray(c * q, (c + 1) * q)));
    return {
      activeStages: Array.from({ length: rounds }, (_, round) => activeStages(round, given)),
      head: { W: rows, b: Array.from(server.head.bias!) },
      serverLoss: server.loss,
      clientLoss: scalar(clientLoss),
      clientGradient: gradientLists(clientLoss, { logits }).logits,
    };
  },
};

const lossesInput = z.strictObject({
  embedding: vectorList,
  real: vectorList,
  realLabels: labelList,
  synthetic: vectorList,
  syntheticLabels: labelList,
  W: vectorList,
  b: vector,
  target: vectorList,
  features: vectorList,
  labels: labelList,
  serverFeatures: vectorList,
  serverLabels: labelList,
  temperature: z.number().positive(),
});

/** FedLGD's three losses with gradients by the synthetic examples or the client's features, and its `refresh` rounds. */
export const distilledImagesOperation: Operation = {
  async run(input) {
    const given = lossesInput.parse(input);
    const [synthetic, features] = [traced(given.synthetic), traced(given.features)];
    const images = { features: synthetic, labels: given.syntheticLabels };
    const embedding = traced(given.embedding);
    const real = { features: traced(given.real), labels: given.realLabels };
    const matching = distributionMatching((rows) => matmul(rows, embedding, { transposeB: true }), real, images);
    const network = { weight: traced(given.W), bias: traced(given.b) };
    const ofGradients = gradientMatching(network, images, traced(given.target));
    const server = { features: traced(given.serverFeatures), labels: given.serverLabels };
    const contrastive = contrastiveLoss({ features, labels: given.labels }, server, given.temperature);
    return {
      matching: scalar(matching),
      gradMatching: gradientLists(matching, { synthetic }).synthetic,
      gradientMatching: scalar(ofGradients),
      gradGradientMatching: gradientLists(ofGradients, { synthetic }).synthetic,
      contrastive: scalar(contrastive),
      gradContrastive: gradientLists(contrastive, { features }).features,
      refresh: Array.from({ length: 60 }, (_, round) => refreshes(round)),
    };
  },
};
