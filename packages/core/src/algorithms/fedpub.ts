/**
 * FED-PUB: the server mixes a model for each client from those of clients whose models act alike on random inputs, and clients
 * hide what they do not need by sparse masks of their own.
 *
 * Citation: J. Baek, W. Jeong, J. Jin, J. Yoon, S. J. Hwang, "Personalized Subgraph Federated Learning", ICML 2023,
 * arXiv:2206.10206.
 *
 * Update rule:
 *   K times from w = s_i, with g the gradient at w * mu_i: w <- w - eta * (g * mu_i + 2 lambda2 (w - s_i));
 *     mu_i <- mu_i - eta * (g * w + lambda1 * sign(mu_i));  e_i: outputs of w * mu_i on random inputs, or features
 *   A_ij = exp(tau cos(e_i, e_j)), each row divided by its sum;  s_i <- sum_j A_ij w_j;  x <- sum_i p_i w_i
 *   in use: s_i * mu_i, without entries of mu_i below lambda1 in size
 *
 * Symbols: x -> parameters -> [d]; s_i -> starts -> [clients, d]; mu_i = 1 + mask -> mask -> []; tau -> temperature -> [];
 *   lambda1 -> maskSparsity -> []; lambda2 -> pull -> []; p_i -> aggregation.weighting -> [clients]
 * State: server {parameters [d], starts [clients, d]}; client {mask, one for each entry of a weight}.
 * Wire: down d, up d and the outputs on `probes` inputs, or as many features as enter the head. Masks stay with clients.
 * Differences: the paper has the model gcn and embedding = "features": e_i is the mean of what enters the classifier over the
 *   nodes of a random graph. "outputs" are logits on standard normal inputs, which see that labels differ; they are for data
 *   without a graph. Steps are those of local SGD, without weight decay on masks, where the paper takes Adam. Both
 *   penalties have gradients, which they have not in the released code; biases have no masks. The pull is there in the
 *   first round, too. training.gradientClip is on g. Every client is in every round; one that fails keeps its start.
 */
import { add, mul, sgd, sign, sub, takeStep } from "@anabranch/engine";
import * as z from "zod";
import { functionalSimilarity, mixed, normalisedRows } from "../clustering/index.ts";
import { modelOf } from "../gossip/index.ts";
import { prunedMask } from "../heterogeneity/index.ts";
import { entryView, type Layout, layout, subLayout } from "../params/layout.ts";
import { copy, type Vector } from "../params/vector.ts";
import type { ParameterTensors, Payloads, RoundContext, ServerState } from "./algorithm.ts";
import { STARTS, startOf, startsOf } from "./client-starts.ts";
import { defineMethod } from "./define-method.ts";
import { headOf, noHead } from "./head.ts";
import { modelDelta } from "./local-sgd.ts";
import { type MethodBody, vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { MODEL, ownLayout, uniformMean } from "./shapes.ts";

const NAME = "fedpub";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedpub } from "@anabranch/core";
 * fedpub({ temperature: 5 }).wholePopulation; // => true
 * ```
 */
export const fedpub = defineMethod({
  name: NAME,
  options: z.strictObject({
    temperature: z.number().min(0).default(10).describe("how much alike models have to be to be mixed (tau); 0: not"),
    maskSparsity: z.number().min(0).default(1e-3).describe("penalty on the size of masks (lambda1)"),
    pull: z.number().min(0).default(1e-3).describe("penalty on the distance to the received model (lambda2)"),
    embedding: z
      .enum(["outputs", "features"])
      .default("outputs")
      .describe(
        'by what models are compared: all "outputs" on random inputs, or the mean of the "features" before the head',
      ),
    probes: z
      .int()
      .positive()
      .max(100_000)
      .default(64)
      .describe("random inputs on which models are compared; of models of nodes, nodes of a random graph"),
    probeSeed: z.int().min(0).default(0).describe("seed of the random inputs"),
  }),
  symbols: { tau: "temperature", lambda1: "maskSparsity", lambda2: "pull" },
  build({ temperature, maskSparsity, pull, embedding, probes, probeSeed }): MethodBody {
    const compared = (model: Layout) => comparedLayout(model, embedding, probes);
    const masks = ownLayout(masked);
    const body = vectors({
      server: { parameters: MODEL },
      client: { mask: masks },
      upload: { delta: uniformMean(MODEL), outputs: uniformMean(ownLayout(compared)) },
    }).method({
      wholePopulation: true,
      ownModel: (start, kept, model) => kept && prunedModel(start, kept["mask"]!, model, maskSparsity),
      local: {
        begin({ broadcast: { parameters }, state }, settings) {
          const mask = combine((m) => add(m, 1), state.mask);
          const [optimizer, ownOptimizer] = [parameters, mask].map((of) => sgd(settings).init(of));
          return { parameters, mask, optimizer: optimizer!, ownOptimizer: ownOptimizer! };
        },
        step({ parameters, mask, optimizer, ownOptimizer }, local, settings) {
          const { loss, gradients } = local.gradient(under(mask, parameters));
          const start = local.broadcast.parameters;
          const pulled = combine(
            (g, w, s) => add(g, mul(sub(w, s), 2 * pull)),
            under(mask, gradients),
            parameters,
            start,
          );
          const sparse = maskSlope(mask, parameters, gradients, maskSparsity);
          const plain = { ...settings, weightDecay: 0 };
          const next = takeStep(sgd(settings), pulled, optimizer, parameters, local);
          const own = takeStep(sgd(plain), sparse, ownOptimizer, mask, local);
          const carry = {
            parameters: next.parameters as ParameterTensors,
            mask: own.parameters as ParameterTensors,
            optimizer: next.state,
            ownOptimizer: own.state,
          };
          return { carry, loss };
        },
        end({ parameters, mask }, local) {
          const { size } = compared(local.model);
          const acts = embedding === "features" ? local.randomFeatures : local.randomOutputs;
          const outputs = acts(under(mask, parameters), probes, probeSeed);
          if (outputs.shape[0] !== size) throw noHead(NAME, []);
          return {
            update: { delta: modelDelta(parameters, local), outputs: { outputs } },
            state: { mask: combine((m) => sub(m, 1), mask) },
          };
        },
      },
      update: ({ parameters }) => ({ parameters }),
    });
    return {
      ...body,
      payloads: (model) => sideBySide(body.payloads(model)),
      own: (state, client) => ({ parameters: startOf(state, client) }),
      update: (state, uploads, context) => mixedByFunction(state, uploads, temperature, context),
    };
  },
});

/** Payloads whose uploads the server has one by one, and whose models are each client's own. */
function sideBySide(payloads: Payloads): Payloads {
  const each = Object.entries(payloads.upload).map(([name, sent]) => [name, { ...sent, aggregation: "each" }]);
  return { ...payloads, own: ["parameters"], upload: Object.fromEntries(each) };
}

/** The server half: a model for each client from those of clients like it, and one for newcomers. */
function mixedByFunction(
  state: ServerState,
  { delta, outputs }: Readonly<Record<string, Vector>>,
  temperature: number,
  { clients = [], weights = [], population, layout: { size } }: RoundContext,
): ServerState {
  const length = outputs!.length / clients.length;
  const trained = clients.map((client, row) => {
    return startOf(state, client).map((value, k) => value + delta![row * size + k]!) as Vector;
  });
  const functions = clients.map((_, row) => outputs!.subarray(row * length, (row + 1) * length));
  const models = mixed(trained, normalisedRows(functionalSimilarity(functions, temperature)));
  const starts = startsOf(state, population);
  for (const [row, client] of clients.entries()) starts.set(modelOf(models, row), client * size);
  const parameters = copy(modelOf(mixed(trained, normalisedRows([weights])), 0));
  return { ...state, vectors: { parameters, [STARTS]: starts } };
}

/** Weights, which have masks; biases have none. */
function masked(model: Layout): Layout {
  return subLayout(model, ({ shape }) => shape.length > 1);
}

/** What models are compared by, in one row. Quadratics have one output for each input and no head. */
function comparedLayout(model: Layout, embedding: "outputs" | "features", probes: number): Layout {
  const hasHead = model.entries.some(({ role }) => role === "head");
  const outputs = probes * (hasHead ? headOf(model, NAME).classes : 1);
  const size = embedding === "features" ? headOf(model, NAME).features : outputs;
  return layout([{ name: "outputs", shape: [size], role: "vector", block: "outputs" }]);
}

/** The gradient by masks, with that of their penalty. */
function maskSlope(
  mask: ParameterTensors,
  parameters: ParameterTensors,
  gradients: ParameterTensors,
  sparsity: number,
): ParameterTensors {
  const [g, w] = [namesOf(gradients, mask), namesOf(parameters, mask)];
  return combine((gradient, weight, m) => add(mul(gradient, weight), mul(sign(m), sparsity)), g, w, mask);
}

/** Values with those that have masks multiplied by them. */
function under(mask: ParameterTensors, values: ParameterTensors): ParameterTensors {
  return { ...values, ...combine(mul, namesOf(values, mask), mask) };
}

/** The tensors that have the names of others. */
function namesOf(all: ParameterTensors, like: ParameterTensors): ParameterTensors {
  return Object.fromEntries(Object.keys(like).map((name) => [name, all[name]!]));
}

/** A start under a client's mask as it is used. */
function prunedModel(start: Vector, offsets: Vector, model: Layout, threshold: number): Vector {
  const used = copy(start);
  const places = new Map(model.entries.map((entry) => [entry.name, entry]));
  for (const entry of masked(model).entries) {
    const mask = prunedMask(
      Float64Array.from(entryView(offsets, entry), (m) => 1 + m),
      threshold,
    );
    const values = entryView(used, places.get(entry.name)!);
    for (const [k, factor] of mask.entries()) values[k]! *= factor;
  }
  return used;
}
