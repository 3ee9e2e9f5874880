/**
 * IFCA: the server has k models; each client trains the one with the smallest loss on its data, and each model is averaged
 * over the clients that chose it.
 *
 * Citation: A. Ghosh, J. Chung, D. Yin, K. Ramchandran, "An Efficient Framework for Clustered Federated Learning", NeurIPS
 * 2020, arXiv:2006.04088 (model averaging).
 *
 * Update rule:
 *   each client: j = argmin_j f_i(w_j);  K local steps from w_j;  D_i = y_K - w_j
 *   w_j <- w_j + eta_g * mean of D_i over the clients that chose j; a model that nobody chose stays
 *
 * Symbols: w_j -> clusters -> [k, d]; k -> clusters -> []; eta_g -> serverLearningRate -> []
 * State: server {parameters [d], clusters [k, d], assignment [n]}; client none.
 * Wire: down k d, up d + k.
 * Differences: the loss is that of the client's first mini-batch of the round, on which the client then also trains; with
 *   training.batchSize of the client's examples or more it is the loss on all its data, as in the paper. Equal losses choose
 *   the first model. In a run model 0 starts where the run does, the others from random weights of their own. `parameters`
 *   is the model of the largest cluster. The server sees the choice of each client, so secure aggregation and noise are refused.
 */
import {
  argmax,
  concat,
  cond,
  constant,
  greater,
  less,
  neg,
  oneHot,
  reshape,
  sgd,
  slice,
  sub,
  sum,
  type Tensor,
  takeStep,
  where,
} from "@anabranch/engine";
import * as z from "zod";
import { type Layout, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { ClientHalf, Local, LocalStep, ParameterTensors, TracedVectors } from "./algorithm.ts";
import { clusteredState, clusterModel, clustersOf, steppedModels, updatesOf } from "./clusters.ts";
import { defineMethod } from "./define-method.ts";
import type { SgdCarry } from "./local-sgd.ts";
import type { MethodBody } from "./method.ts";
import { combine } from "./parameter-tensors.ts";

/** Beside local SGD: which model was chosen, 1 in its place and 0 elsewhere; all 0 before the first step. */
type Carry = SgdCarry & { readonly choice: Tensor };

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { ifca } from "@anabranch/core";
 * ifca({ clusters: 3 }).clusters?.count; // => 3
 * ```
 */
export const ifca = defineMethod({
  name: "ifca",
  options: z.strictObject({
    clusters: z.int().positive().max(64).default(2).describe("number of models (k)"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged updates"),
  }),
  symbols: { k: "clusters" },
  build: ({ clusters, serverLearningRate }): MethodBody => ({
    payloads: (model) => ({
      broadcast: Object.fromEntries(modelNames(clusters).map((name) => [name, model])),
      upload: {
        delta: { layout: model, aggregation: "each" },
        choice: { layout: choiceLayout(clusters), aggregation: "each" },
      },
      clientState: {},
    }),
    clusters: { count: clusters, starts: "own" },
    init: (parameters, _model, starts = []) => {
      const models = modelNames(clusters).map((_, j) => starts[j] ?? parameters);
      return clusteredState({ models, assignment: [] });
    },
    client: choosingHalf(clusters) as unknown as ClientHalf,
    broadcast(state) {
      const { models } = clustersOf(state);
      return Object.fromEntries(modelNames(clusters).map((name, j) => [name, models[j]!]));
    },
    modelFor: clusterModel,
    update(state, aggregate, context) {
      const { clients = [], population } = context;
      const { models, assignment } = clustersOf(state);
      const labels = clients.map((_, row) => chosen(aggregate.choice!.subarray(row * clusters, (row + 1) * clusters)));
      const next = Array.from({ length: population }, (_, client) => assignment[client] ?? 0);
      for (const [row, client] of clients.entries()) next[client] = labels[row]!;
      const updates = updatesOf(aggregate, context);
      return clusteredState({ models: steppedModels(models, updates, labels, serverLearningRate), assignment: next });
    },
  }),
});

const modelNames = (clusters: number) => Array.from({ length: clusters }, (_, j) => `model${j}`);

function choiceLayout(clusters: number): Layout {
  return layout([{ name: "choice", shape: [clusters], role: "vector", block: "choice" }]);
}

/** The place of the largest entry; a stage may have scaled the vector. */
function chosen(choice: Vector): number {
  return choice.indexOf(Math.max(...choice));
}

function choosingHalf(clusters: number): ClientHalf<TracedVectors, TracedVectors, TracedVectors, Carry> {
  const names = modelNames(clusters);
  const modelAt = ({ broadcast }: Local, choice: Tensor): ParameterTensors =>
    names.slice(1).reduce((found, name, j) => {
      const isChosen = greater(entryOf(choice, j + 1), 0.5);
      return combine((one, other) => where(isChosen, one, other), broadcast[name]!, found);
    }, broadcast.model0!);
  const choose = (local: LocalStep) => {
    const losses = names.map((name) => reshape(local.loss(local.broadcast[name]!), [1]));
    return oneHot(argmax(neg(concat(losses, 0)), 0), clusters);
  };
  return {
    begin({ broadcast: { model0 } }, settings) {
      const none = constant(new Float64Array(clusters), [clusters]);
      return { parameters: model0!, optimizer: sgd(settings).init(model0!), choice: none };
    },
    step(carry, local, settings) {
      const isFirst = less(sum(carry.choice), 0.5);
      const { choice, parameters } = cond(
        isFirst,
        () => {
          const found = choose(local);
          return { choice: found, parameters: modelAt(local, found) };
        },
        () => ({ choice: carry.choice, parameters: carry.parameters }),
      );
      const { loss, gradients } = local.gradient(parameters);
      const next = takeStep(sgd(settings), gradients, carry.optimizer, parameters, local);
      return { carry: { parameters: next.parameters, optimizer: next.state, choice }, loss };
    },
    end({ parameters, choice }, local) {
      return { update: { delta: combine(sub, parameters, modelAt(local, choice)), choice: { choice } }, state: {} };
    },
  };
}

function entryOf(vector: Tensor, place: number): Tensor {
  return reshape(slice(vector, [place], [place + 1]), []);
}
