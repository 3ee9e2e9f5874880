/**
 * FRAug: where clients' features differ, a shared generator makes features of every class, and each client bends them towards
 * its own by a network that it keeps. The head learns from both real and such features.
 *
 * Citation: H. Chen, A. Frikha, D. Krompass, J. Gu, V. Tresp, "FRAug: Tackling Federated Learning with Non-IID Features via
 * Representation Augmentation", ICCV 2023, arXiv:2205.14900.
 *
 * Update rule:
 *   r = min(1, exp(gamma (t - 1 - T)));  rho = min(1/2, r)
 *   K times, with features f and labels y of a batch, balanced classes c and z, z' ~ U[0, 1]:
 *     m_c <- (1 - beta) m_c + beta * mean of f over class c, for the classes of the batch
 *     a = m[c] + r R(G(z, c), c);  b = f + r R(G(z', y), y);  L_syn = (CE(phi a, c) + CE(phi b, y)) / 2
 *     (theta, phi) <- (theta, phi) - eta * ((1 - rho) g_i + rho * dL_syn / dphi)
 *     G <- G - eta_n * d/dG (CE(phi G(z, c), c) - lambda_G MSE(G(z, c), m[c]))
 *     R <- R - eta_n * d/dR (lambda_R MSE(a', m[c]) - entropy of softmax(phi a')),  a' = m[c] + R(G(z, c), c)
 *   x <- x + eta_g * sum_i w_i D_i for (theta, phi) and for G;  R and m stay with the client
 *
 * Symbols: x = (theta, phi) -> parameters -> [d]; G -> generator -> [g]; R -> transfer -> []; m -> means -> [C, q];
 *   r -> ramp -> []; rho -> share -> []; gamma -> rampRate -> []; T -> horizon -> []; beta -> meanMomentum -> [];
 *   eta_n -> networkLearningRate -> []; lambda_G -> generatorDistance -> []; lambda_R -> transferDistance -> [];
 *   eta_g -> serverLearningRate -> []
 * State: server {parameters [d], generator [g]}; client {transfer, means [C, q], running statistics}.
 * Wire: down d + g + 2, up d + g, with g = (q / 2 + C + 4) q + q^2 for C classes on q features.
 * Differences: rounds t count from 1. All losses of a step are at the parameters with which it begins. G and R normalize by
 *   the moments of the batch, and nothing runs them in evaluation, so they have no running statistics; those of the model stay
 *   with clients (SiloBN). Distances are MSE. R has q / 2 units, and its last layer begins at 0. Classes that a client lacks
 *   are left out of c. Options of the training loss and the gradient clip act on real examples alone, momentum and decay of
 *   the run on G and R, too. G learns from clients' features: no privacy mechanism covers it.
 */
import {
  add,
  cast,
  constant,
  div,
  gather,
  greater,
  maximum,
  mul,
  type OptimizerState,
  oneHot,
  sgd,
  slice,
  sub,
  sum,
  type Tensor,
  takeStep,
  transpose,
  valueAndGrad,
  where,
} from "@anabranch/engine";
import * as z from "zod";
import {
  type AugmentationNetwork,
  generatorNetwork,
  networkLayout,
  networkStart,
  noiseSize,
  transferNetwork,
} from "../heterogeneity/augmentation-networks.ts";
import {
  augmentationLosses,
  augmentationRamp,
  type LinearHead,
  updatedClassMeans,
  type WeightedRows,
} from "../heterogeneity/index.ts";
import { entryView, type Layout, layout } from "../params/layout.ts";
import { zerosLike } from "../params/vector.ts";
import type { ClientHalf, LocalStep, ParameterTensors } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { headOf, noHead } from "./head.ts";
import { modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { combine } from "./parameter-tensors.ts";
import { stepFrom } from "./server.ts";
import { MODEL, ownLayout, SCALAR, weightedMean } from "./shapes.ts";

const NAME = "fraug";

const shapeOf = (model: Layout) => {
  const { classes, features, weight } = headOf(model, NAME);
  if (weight === undefined) throw noHead(NAME, []);
  return { classes, features };
};
const generatorOf = (model: Layout) => generatorNetwork(shapeOf(model));
const transferOf = (model: Layout) => transferNetwork(shapeOf(model));
const generatorLayout = ownLayout((model) => networkLayout(generatorOf(model)));
const transferLayout = ownLayout((model) => networkLayout(transferOf(model)));
const meansLayout = ownLayout((model) => {
  const { classes, features } = shapeOf(model);
  return layout([{ name: "means", shape: [classes, features], role: "vector", block: "means" }]);
});

const options = z.strictObject({
  rampRate: z.number().min(0).default(0.01).describe("how fast synthetic features come in (gamma)"),
  horizon: z.int().min(0).default(300).describe("round after which they count in full (T)"),
  meanMomentum: z.number().gt(0).max(1).default(0.3).describe("weight of a batch in the running class means (beta)"),
  networkLearningRate: z.number().min(0).default(0.05).describe("learning rate of both networks (eta_n)"),
  generatorDistance: z
    .number()
    .min(0)
    .default(1)
    .describe("how far the generator is pushed from class means (lambda_G)"),
  transferDistance: z
    .number()
    .min(0)
    .default(1)
    .describe("how close clients' features are kept to class means (lambda_R)"),
  networkSeed: z.int().min(0).default(0).describe("seed of both networks"),
  serverLearningRate: z.number().positive().default(1).describe("server step on the averaged update"),
});
type Options = z.output<typeof options>;

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fraug } from "@anabranch/core";
 * fraug({ horizon: 20 }).personal; // => { layers: ["statistics"], ifPresent: true }
 * ```
 */
export const fraug = defineMethod({
  name: NAME,
  options,
  symbols: {
    gamma: "rampRate",
    T: "horizon",
    beta: "meanMomentum",
    eta_n: "networkLearningRate",
    lambda_G: "generatorDistance",
    lambda_R: "transferDistance",
  },
  build: (given) =>
    vectors({
      server: { parameters: MODEL, generator: generatorLayout },
      computed: { ramp: SCALAR, share: SCALAR },
      client: { transfer: transferLayout, means: meansLayout },
      upload: { delta: weightedMean(MODEL), change: weightedMean(generatorLayout) },
    }).method({
      personal: { layers: ["statistics"], ifPresent: true },
      start(parameters, model) {
        const values = networkStart(generatorOf(model), given.networkSeed);
        const generator = zerosLike(parameters, values.length);
        generator.set(values);
        return { generator };
      },
      compute(_server, { round }) {
        const { ramp, rho } = augmentationRamp(round - 1, given.horizon, given.rampRate);
        return { ramp, share: rho };
      },
      local: clientHalf(given),
      update: ({ parameters, generator }, { delta, change }) => ({
        parameters: stepFrom(parameters, given.serverLearningRate, delta),
        generator: stepFrom(generator, given.serverLearningRate, change),
      }),
    }),
});

type Received = {
  readonly parameters: ParameterTensors;
  readonly generator: ParameterTensors;
  readonly ramp: Tensor;
  readonly share: Tensor;
};
type Kept = { readonly transfer: ParameterTensors; readonly means: ParameterTensors };
type Sent = { readonly delta: ParameterTensors; readonly change: ParameterTensors };
type Trained = "parameters" | "generator" | "transfer";
type Carry = Readonly<Record<Trained, ParameterTensors>> & {
  readonly means: Tensor;
  readonly optimizers: Readonly<Record<Trained, OptimizerState>>;
};
type Step = LocalStep<Received, Kept, Sent>;

function clientHalf(given: Options): ClientHalf<Received, Kept, Sent, Carry> {
  return {
    draws: { noise: { kind: "uniformFeatures" }, turn: { kind: "uniform" } },
    begin({ broadcast: { parameters, generator }, state, model }, settings) {
      const transfer = combine(add, state.transfer, startOf(transferOf(model), given));
      const init = (tensors: ParameterTensors) => sgd(settings).init(tensors);
      const optimizers = { parameters: init(parameters), generator: init(generator), transfer: init(transfer) };
      return { parameters, generator, transfer, means: state.means["means"]!, optimizers };
    },
    step(carry, local, settings) {
      const { loss, gradients } = local.gradient(carry.parameters);
      const rows = local.representations(carry.parameters);
      const means = updatedClassMeans(carry.means, rows, given.meanMomentum);
      const found = augmentationGradients({ ...carry, means }, rows, local, given);
      const { share } = local.broadcast;
      const real = combine((g) => mul(g, sub(1, share)), gradients);
      const ofHead = Object.entries(found.head).map(([name, g]) => [name, add(real[name]!, mul(g, share))] as const);
      const moved = (name: Trained, slopes: ParameterTensors, learningRate: Tensor) =>
        takeStep(sgd(settings), slopes, carry.optimizers[name], carry[name], { learningRate });
      const rate = constant(given.networkLearningRate);
      const next = {
        parameters: moved("parameters", { ...real, ...Object.fromEntries(ofHead) }, local.learningRate),
        generator: moved("generator", found.generator, rate),
        transfer: moved("transfer", found.transfer, rate),
      };
      const tensors = (name: Trained) => next[name].parameters as ParameterTensors;
      const trained = {
        parameters: tensors("parameters"),
        generator: tensors("generator"),
        transfer: tensors("transfer"),
      };
      const { parameters, generator, transfer } = next;
      const optimizers = { parameters: parameters.state, generator: generator.state, transfer: transfer.state };
      return { carry: { ...trained, means, optimizers }, loss };
    },
    end({ parameters, generator, transfer, means }, local) {
      return {
        update: { delta: modelDelta(parameters, local), change: combine(sub, generator, local.broadcast.generator) },
        state: { transfer: combine(sub, transfer, startOf(transferOf(local.model), given)), means: { means } },
      };
    },
  };
}

/** A network as all clients begin with it; they keep what differs. */
function startOf(network: AugmentationNetwork, { networkSeed }: Options): ParameterTensors {
  const values = networkStart(network, networkSeed);
  const tensors = networkLayout(network).entries.map((entry) => {
    return [entry.name, constant(Array.from(entryView(values, entry)), entry.shape)] as const;
  });
  return Object.fromEntries(tensors);
}

/** Gradients of L_syn by the head, and of the losses of the two networks by these. */
function augmentationGradients(
  { parameters, generator, transfer, means: classMeans }: Omit<Carry, "optimizers">,
  real: WeightedRows,
  local: Step,
  { generatorDistance, transferDistance }: Options,
): Readonly<Record<"head" | "generator" | "transfer", ParameterTensors>> {
  const { layout: own, weight, bias, features: q } = headOf(local.model, NAME);
  const [G, R] = [generatorOf(local.model), transferOf(local.model)];
  const noise = local.draws.uniformFeatures("noise");
  const balanced = balancedRows(local, noise.shape[0] as number);
  const size = noiseSize({ features: q });
  const noiseFrom = (column: number) => slice(noise, [0, column], [noise.shape[0]!, column + size]);
  const { ramp, share: rho } = local.broadcast;
  const weights = { generator: generatorDistance, residual: transferDistance };
  const lossesAt = (head: ParameterTensors, g: ParameterTensors, r: ParameterTensors) => {
    const linear: LinearHead = { weight: transpose(head[weight!.name]!, [1, 0]), bias: head[bias!.name]! };
    const features = G.apply(g, noiseFrom(0), balanced);
    const others = G.apply(g, noiseFrom(q - size), real);
    const residuals = [R.apply(r, features, balanced), R.apply(r, others, real)] as const;
    const batch = { real, generated: { ...balanced, features }, residuals, classMeans };
    return augmentationLosses(linear, batch, { ramp, rho }, weights);
  };
  const head = Object.fromEntries(own.entries.map(({ name }) => [name, parameters[name]!]));
  return {
    head: valueAndGrad((h: ParameterTensors) => lossesAt(h, generator, transfer).synthetic, head).gradients,
    generator: valueAndGrad((g: ParameterTensors) => lossesAt(head, g, transfer).generator, generator).gradients,
    transfer: valueAndGrad((r: ParameterTensors) => lossesAt(head, generator, r).residual, transfer).gradients,
  };
}

/**
 * Labels of `rows` rows in turn, beginning at a drawn class, with weights by which every class that the client has counts
 * alike.
 */
function balancedRows(local: Step, rows: number): Omit<WeightedRows, "features"> {
  const { classes } = shapeOf(local.model);
  const inTurn = constant(
    Array.from({ length: rows }, (_, k) => k % classes),
    [rows],
  );
  const first = mul(slice(local.draws.uniform("turn"), [0], [1]), classes);
  const twice = constant(
    [...Array(2 * classes).keys()].map((k) => k % classes),
    [2 * classes],
    "int32",
  );
  const labels = gather(twice, cast(add(inTurn, first), "int32"), 0);
  const counts = sum(oneHot(labels, classes), [0]);
  const known = where(greater(local.classCounts(), 0), 1, 0);
  const raw = gather(div(known, maximum(counts, 1)), labels, 0);
  return { labels, weights: div(raw, maximum(sum(raw), 1)) };
}
