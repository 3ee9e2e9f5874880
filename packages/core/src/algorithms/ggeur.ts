/**
 * GGEUR: on a fixed body, clients learn how each class varies over the whole federation and train the head on drawn
 * examples as well, so that each sees its classes, or all of them, as the federation does.
 *
 * Citation: Y. Ma, W. Dai, W. Huang, J. Chen, "Geometric Knowledge-Guided Localized Global Distribution Alignment for
 * Federated Learning", CVPR 2025, arXiv:2503.06457.
 *
 * Update rule:
 *   round 1: clients send n_ic, mean mu_ic and covariance S_ic (over n) of what enters the head, for each class c
 *     S_c = sum_i n_ic / n_c (S_ic + (mu_ic - mu_c)(mu_ic - mu_c)^T) = U_c diag(l_c) U_c^T;  x stays
 *   later, with a_ic = max(0, target - n_ic), m_ic other clients that have class c, and N_i = sum_c max(n_ic, target) over
 *     the classes that client i has or is given:
 *     K times: y <- y - eta * grad of (1 / N_i) sum_c (sum_{j in c} CE(y, f_j) + a_ic E[CE(y, b + xi)])
 *       xi = U_c diag(sqrt(max(l_c, 0))) e with e ~ N(0, I);  b: with probability 1 / (1 + m_ic) one of its own f_j,
 *       else the mean mu_kc of another client; only such means for classes that client i lacks
 *     D_i = y - x;  x <- x + eta_g * sum_i w_i D_i
 *
 * Symbols: x -> shared parameters -> [d]; mu_kc -> prototypes -> [C, q]; m_ic -> holders -> [C];
 *   U_c diag(sqrt(l_c)) -> geometry -> [C, q, q]; eta_g -> serverLearningRate -> []
 * State: server {parameters [d], geometry [C, q, q], means [clients, C, q], counts [clients, C]}; client none.
 * Wire: down d + C q^2 + C q + C, up C (1 + q + q (q + 1) / 2) in round 1 and d later, for C classes on q features;
 *   d counts the head alone.
 * Differences: examples are not drawn once but in every step: one from each example of the batch, and one of each class
 *   around the mean of another client, each with the weight that the drawn ones have together. That mean is another one in
 *   every round, in turn. The covariance is that of all clients that have the class, where the released code stops at 80 %
 *   of its examples, and no eigenvalue is enlarged; that code also never gives clients the global model. The body is frozen
 *   as the run starts, random or from model.initialWeights, where the paper has CLIP. Training options for the loss and the
 *   gradient clip act on own examples alone. Clients see means of other clients' classes. A client that fails in round 1
 *   is left out of the geometry. Live runs refuse it, as clients are not all sent the same.
 */
import {
  add,
  constant,
  div,
  expandDims,
  gather,
  greater,
  matmul,
  maximum,
  mul,
  reshape,
  softmaxCrossEntropy,
  sub,
  sum,
  type Tensor,
  transpose,
  valueAndGrad,
  where,
} from "@anabranch/engine";
import * as z from "zod";
import { layout } from "../params/layout.ts";
import type { LocalStep, ParameterTensors, ServerState } from "./algorithm.ts";
import { geometryFrom, givenTo, nothingFor, tablesOf } from "./class-geometry.ts";
import { classUploads, type LinearHead, linearHead } from "./class-uploads.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd, modelDelta } from "./local-sgd.ts";
import { type MethodBody, vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom } from "./server.ts";
import { MODEL, ownLayout, weightedMean } from "./shapes.ts";

const NAME = "ggeur";
/** Places in `payloads.parts`. */
const TELLING = 0;
const TRAINING = 1;
const NOTHING = layout([]);

const vectorOf = (name: string, shapeOf: (head: LinearHead) => readonly number[]) =>
  ownLayout((model) => layout([{ name, shape: shapeOf(linearHead(model, NAME)), role: "vector", block: name }]));
const geometryShape = vectorOf("geometry", ({ classes, features }) => [classes, features, features]);
const prototypeShape = vectorOf("prototypes", ({ classes, features }) => [classes, features]);
const holderShape = vectorOf("holders", ({ classes }) => [classes]);

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { ggeur } from "@anabranch/core";
 * ggeur({ target: 200 }).frozen; // => ["*", "!head"]
 * ```
 */
export const ggeur = defineMethod({
  name: NAME,
  options: z.strictObject({
    target: z.int().min(0).default(200).describe("examples that a client has of a class, with the drawn ones"),
    prototypes: z
      .boolean()
      .default(true)
      .describe("draw around means of other clients, too; false: around own examples alone, of classes that it has"),
    minimumCount: z
      .int()
      .positive()
      .default(2)
      .describe("examples of a class from which on a client sends statistics of it"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
  }),
  build({ target, prototypes, minimumCount, serverLearningRate }): MethodBody {
    const classes = classUploads(NAME, { minimumCount, covariances: true });
    const body = vectors({
      // the last two are zeros here, and each client's own where they go down
      server: { parameters: MODEL, geometry: geometryShape, prototypes: prototypeShape, holders: holderShape },
      upload: { delta: weightedMean(MODEL), classes: classes.declared },
      parts: (model) => [
        { delta: NOTHING, classes: classes.shape.layoutOf(model) },
        { delta: model, classes: NOTHING },
      ],
    }).method({
      wholePopulation: true,
      frozen: ["*", "!head"],
      assign: (_parts, cohort, _key, round) => cohort.map(() => (round === 1 ? TELLING : TRAINING)),
      local: {
        ...localSgd({
          direction: (gradients, y, local) => augmented(gradients, y, local, target),
          result: (y, local) => ({
            update: {
              delta: modelDelta(y, local),
              classes: classes.message(local.representations(local.broadcast.parameters), local.model),
            },
            state: {},
          }),
        }),
        draws: { own: { kind: "features" }, others: { kind: "normal" } },
      },
      update: (server) => server,
    });
    return {
      ...body,
      payloads: (model) => ({ ...body.payloads(model), own: ["prototypes", "holders"] }),
      own: (state, client, round) => (prototypes ? givenTo(state, client, round) : nothingFor(state)),
      update(state, { delta, classes: messages }, { round, clients = [], population, layout: model }): ServerState {
        const { vectors: before } = state;
        if (round > 1) {
          const parameters = stepFrom(before.parameters, serverLearningRate, delta!);
          return { ...state, vectors: { ...before, parameters } };
        }
        const told = classes.read(messages!, model);
        const geometry = geometryFrom(told, before["geometry"]!);
        return { ...state, vectors: { ...before, geometry, ...tablesOf(told, clients, population, before) } };
      },
    };
  },
});

/** What a client is sent beside its head. */
type Received = { readonly parameters: ParameterTensors } & Readonly<
  Record<"geometry" | "prototypes" | "holders", ParameterTensors>
>;

/** The gradient of a step on own and drawn examples together, from that on own ones alone. */
function augmented(
  gradients: ParameterTensors,
  y: ParameterTensors,
  local: LocalStep<Received, unknown, unknown>,
  target: number,
): ParameterTensors {
  const { weight, bias, classes, features: q } = linearHead(local.model, NAME);
  const { geometry, prototypes, holders } = received(local.broadcast);
  const { own, others, total, examples } = drawnCounts(local.classCounts(), holders, target);
  const { features, labels, weights } = local.representations(y);
  const varied = (centres: Tensor, directions: Tensor, draws: Tensor) =>
    add(centres, reshape(matmul(directions, expandDims(draws, 2)), [centres.shape[0]!, q]));
  const aroundOwn = varied(features, gather(geometry, labels, 0), local.draws.features("own"));
  const aroundOthers = varied(prototypes, geometry, transpose(local.draws.normal("others")[weight.name]!, [1, 0]));
  const share = div(examples, total);
  const factors = mul(mul(weights, share), gather(own, labels, 0));
  const everyClass = constant([...Array(classes).keys()], [classes], "int32");
  const lossOf = (head: ParameterTensors) => {
    const losses = (rows: Tensor, of: Tensor) =>
      softmaxCrossEntropy(add(matmul(rows, head[weight.name]!), head[bias.name]!), of);
    return add(
      sum(mul(factors, losses(aroundOwn, labels))),
      sum(mul(div(others, total), losses(aroundOthers, everyClass))),
    );
  };
  const drawn = valueAndGrad(lossOf, y).gradients;
  return combine((g, more) => add(mul(g, share), more), gradients, drawn);
}

function received({ geometry, prototypes, holders }: Received): Readonly<Record<keyof Received, Tensor>> {
  const only = (vector: ParameterTensors, name: string) => vector[name]!;
  return {
    geometry: only(geometry, "geometry"),
    prototypes: only(prototypes, "prototypes"),
    holders: only(holders, "holders"),
  } as Readonly<Record<keyof Received, Tensor>>;
}

/**
 * How many examples are drawn of each class [C]: around each of the own ones, and around means of others; and examples and
 * drawn ones together.
 */
function drawnCounts(counts: Tensor, holders: Tensor, target: number) {
  const missing = maximum(sub(target, counts), 0);
  const isHeld = greater(counts, 0);
  const around = div(missing, add(holders, 1));
  const own = where(isHeld, around, mul(counts, 0));
  const others = where(isHeld, mul(around, holders), where(greater(holders, 0), missing, mul(counts, 0)));
  const examples = sum(counts);
  return {
    ...{ others, examples },
    own: div(own, maximum(counts, 1)),
    total: add(examples, sum(add(own, others))),
  };
}
