/**
 * FedLoGe: on long-tailed data features learn under a fixed classifier, and beside it one head is trained for everybody and
 * one by each client; realigned, the heads give a global model and one for each client.
 *
 * Citation: Z. Xiao, Z. Chen, L. Liu, Y. Feng, J. Wu, W. Liu, J. T. Zhou, H. H. Yang, Z. Liu, "FedLoGe: Joint Local and
 * Generic Federated Learning under Long-tailed Data", ICLR 2024, arXiv:2401.08977.
 *
 * Update rule:
 *   once: V = sqrt(C / (C - 1)) P (I - 11^T / C) with a share beta of its entries set to 0, the others fitted to columns of
 *     length r that are as far apart as possible
 *   K times: theta <- theta - eta * g_i(theta, V);  G_i <- G_i - eta * dg_i(theta, G_i);  L_i <- L_i - eta * dg_i(theta, L_i)
 *     dg: the gradient by the head alone;  D_i = (theta, G_i) - x
 *   x <- x + eta_g * sum_i w_i D_i
 *   in use: G_c <- s G_c / |G_c|;  for client i: L_i + diag(|L_i,c|) G, classes without training examples left out
 *
 * Symbols: x = (theta, G) -> parameters -> [d]; V -> classifier -> [q, C]; L_i -> head -> [q, C]; beta -> sparsity -> [];
 *   r -> classifierRadius -> []; s -> globalScale -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d], classifier [q, C]}; client {head [q, C], counts [C]}.
 * Wire: down d and the head's size, up d.
 * Differences: clients take three gradients in a local step. V goes down in every round, as clients keep it nowhere, and has no bias. L_i begins at 0, and personal logits
 *   take the counts of training examples, where the released code takes labels of the test set. Each of the three gradients
 *   is clipped by itself where training.gradientClip is set.
 */

import { AnabranchError, sgd, takeStep } from "@anabranch/engine";
import * as z from "zod";
import { type SparseClassifierOptions, sparseClassifier } from "../heterogeneity/index.ts";
import { entryView, type Layout, layout } from "../params/layout.ts";
import { partOf } from "../params/standing.ts";
import { copy, type Vector, zerosLike } from "../params/vector.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { type Head, headOf } from "./head.ts";
import { modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, ownLayout, weightedMean } from "./shapes.ts";

const NAME = "fedloge";
/** Bias of classes that a client has not trained on: below every logit, and finite. */
const NEVER = -1e9;

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedloge } from "@anabranch/core";
 * fedloge.definition.name; // => "fedloge"
 * ```
 */
export const fedloge = defineMethod({
  name: NAME,
  options: z.strictObject({
    sparsity: z
      .number()
      .min(0)
      .lt(1)
      .default(0.6)
      .describe("share of the fixed classifier's entries that are 0 (beta)"),
    classifierRadius: z.number().positive().default(1).describe("length of the fixed classifier's columns (r)"),
    classifierSteps: z.int().min(0).default(10_000).describe("steps of Adam that fit the fixed classifier"),
    classifierRate: z.number().positive().default(0.01).describe("learning rate of those steps"),
    classifierSeed: z.int().min(0).default(0).describe("seed of the fixed classifier"),
    globalScale: z
      .number()
      .min(0)
      .default(1.7)
      .describe("length of the rows of the global head in use (s); 0: as they are trained"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  symbols: { beta: "sparsity", r: "classifierRadius" },
  build(options) {
    const { sparsity, classifierRadius: radius, classifierSteps: steps, classifierRate: learningRate } = options;
    const fit = { sparsity, radius, steps, learningRate };
    const headLayout = ownLayout((model) => wideHead(model).layout);
    return vectors({
      server: { parameters: MODEL, classifier: headLayout },
      client: { head: headLayout, counts: ownLayout((model) => countsLayout(wideHead(model).classes)) },
      upload: { delta: weightedMean(MODEL) },
    }).method({
      start: (parameters, model) => ({ classifier: fixedClassifier(parameters, model, fit, options.classifierSeed) }),
      served: (parameters, model) => realigned(parameters, model, options.globalScale),
      ownModel: (global, kept, model) => kept && personalHead(global, kept["head"]!, kept["counts"]!, model),
      local: {
        begin({ broadcast: { parameters }, state: { head } }, settings) {
          const rule = sgd(settings);
          return { parameters, head, optimizer: rule.init(parameters), ownOptimizer: rule.init(head) };
        },
        step({ parameters, head, optimizer, ownOptimizer }, local, settings) {
          const gradientUnder = (heads: ParameterTensors) => local.gradient({ ...parameters, ...heads });
          const shared = gradientUnder({});
          const features = gradientUnder(local.broadcast.classifier).gradients;
          const own = namesOf(gradientUnder(head).gradients, head);
          const both = { ...features, ...namesOf(shared.gradients, head) };
          const next = takeStep(sgd(settings), both, optimizer, parameters, local);
          const nextOwn = takeStep(sgd(settings), own, ownOptimizer, head, local);
          const carry = {
            parameters: next.parameters as ParameterTensors,
            head: nextOwn.parameters as ParameterTensors,
            optimizer: next.state,
            ownOptimizer: nextOwn.state,
          };
          return { carry, loss: shared.loss };
        },
        end: ({ parameters, head }, local) => ({
          update: { delta: modelDelta(parameters, local) },
          state: { head, counts: { counts: local.classCounts() } },
        }),
      },
      update: ({ parameters, classifier }, { delta }) => ({
        parameters: stepFrom(parameters, options.serverLearningRate, delta),
        classifier,
      }),
    });
  },
});

/** The head of a model with enough features for columns that are as far apart as possible. */
function wideHead(model: Layout): Head {
  const head = headOf(model, NAME);
  if (head.weight === undefined || head.features >= head.classes) return head;
  throw new AnabranchError({
    code: "method/features",
    message: "the fixed classifier needs at least as many features as classes",
    where: `algorithm.name = "${NAME}"`,
    received: `${head.features} features before a head of ${head.classes} classes`,
    expected: `at least ${head.classes} features`,
    advice: "Make the last hidden layer wider.",
  });
}

function countsLayout(classes: number): Layout {
  return layout([{ name: "counts", shape: [classes], role: "vector", block: "counts" }]);
}

/** The tensors of a model that have the names of others. */
function namesOf(all: ParameterTensors, like: ParameterTensors): ParameterTensors {
  return Object.fromEntries(Object.keys(like).map((name) => [name, all[name]!]));
}

/** V with a bias of 0, in the layout of the head. A head that is no linear layer stays as it is at the start. */
function fixedClassifier(parameters: Vector, model: Layout, fit: SparseClassifierOptions, seed: number): Vector {
  const { layout: own, weight, features, classes } = headOf(model, NAME);
  if (weight === undefined) return partOf(model, parameters, own);
  const values = zerosLike(parameters, own.size);
  const at = own.entries.find(({ name }) => name === weight.name)!;
  entryView(values, at).set(sparseClassifier(features, classes, fit, deriveKey(rootKey(seed), NAME)));
  return values;
}

/** The length of each column of a weight [features, classes]. */
function columnLengths(weight: Vector, classes: number): Float64Array {
  const squares = new Float64Array(classes);
  for (const [k, value] of weight.entries()) squares[k % classes]! += value * value;
  return squares.map(Math.sqrt);
}

/** The global model whose head has rows of one length, so that common classes have no longer ones; rows of zeros stay. */
function realigned(parameters: Vector, model: Layout, scale: number): Vector {
  const { weight, classes } = headOf(model, NAME);
  if (weight === undefined || scale === 0) return parameters;
  const next = copy(parameters);
  const values = entryView(next, weight);
  const lengths = columnLengths(values, classes);
  for (const [k, value] of values.entries()) values[k] = (value * scale) / (lengths[k % classes]! || 1);
  return next;
}

/** The model of a client: its own head and the global one, rows of which count as much as its own rows are long. */
function personalHead(global: Vector, head: Vector, counts: Vector, model: Layout): Vector {
  const { layout: own, weight, bias, classes } = headOf(model, NAME);
  if (weight === undefined || bias === undefined) return global;
  const next = copy(global);
  const kept = (name: string) => entryView(head, own.entries.find((entry) => entry.name === name)!);
  const [mine, shared] = [kept(weight.name), entryView(next, weight)];
  const lengths = columnLengths(mine, classes);
  for (const [k, value] of mine.entries()) shared[k] = value + lengths[k % classes]! * shared[k]!;
  const biases = entryView(next, bias);
  for (const [c, value] of kept(bias.name).entries()) biases[c] = counts[c]! > 0 ? value + biases[c]! : NEVER;
  return next;
}
