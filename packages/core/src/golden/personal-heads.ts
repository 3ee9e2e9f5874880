/** Methods whose clients have heads of their own: FedGH, FedLoGe and HyperFL. */
import { add, gradients, matmul, relu, sgd, type Tensor, takeStep, tanh, transpose } from "@anabranch/engine";
import * as z from "zod";
import { fold } from "../aggregation/index.ts";
import {
  classifierObjective,
  classPrototypes,
  detachedHeadLosses,
  generatedTensors,
  generatorPhase,
  type HypernetworkClient,
  headPhase,
  pulledBack,
  realignedLogits,
  realignedWeight,
  simplexFrame,
  trainedHeader,
} from "../heterogeneity/index.ts";
import { crossEntropy } from "../heterogeneity/losses.ts";
import { labelList } from "./distillation.ts";
import type { Operation } from "./operation.ts";
import { vector, vectorList } from "./quadratic-problem.ts";
import { flatten, layoutOf, type Nested, type Tensors, unflatten } from "./tensors.ts";
import { gradientLists, listed, scalar, traced, tracedLabels } from "./traced.ts";

const dense = z.strictObject({ W: vectorList, b: vector });
type Dense = z.infer<typeof dense>;
type TracedDense = { readonly weight: Tensor; readonly bias: Tensor };

const tracedDense = ({ W, b }: Dense): TracedDense => ({ weight: traced(W), bias: traced(b) });
const shown = ({ weight, bias }: { readonly weight: Tensor; readonly bias?: Tensor }) => {
  return { W: listed(weight), ...(bias === undefined ? {} : { b: listed(bias) }) };
};
const affine = (x: Tensor, weight: Tensor, bias: Tensor) => add(matmul(x, weight, { transposeB: true }), bias);

const headerInput = z.strictObject({
  clients: z.array(z.strictObject({ features: vectorList, labels: labelList })).min(1),
  head: dense,
  learningRate: z.number().min(0),
  clip: z.number().positive().nullish(),
  minimumCount: z.int().positive().default(1),
  passes: z.int().min(0).default(1),
});

/** FedGH: `prototypes` of each client, and the `head` after the server's steps on them. */
const headerServer: Operation = {
  async run(input) {
    const { clients, head, learningRate, clip, minimumCount, passes } = headerInput.parse(input);
    const prototypes = clients.map(({ features, labels }) => classPrototypes(features, labels, minimumCount));
    const settings = { learningRate, passes, ...(clip == null ? {} : { clip }) };
    const given = { weight: Float64Array.from(head.W.flat()), bias: Float64Array.from(head.b) };
    const { weight, bias } = trainedHeader(given, head.W.length, prototypes, settings);
    const q = head.W[0]!.length;
    return {
      prototypes,
      head: { W: head.W.map((_, c) => Array.from(weight.subarray(c * q, (c + 1) * q))), b: Array.from(bias!) },
    };
  },
};

const classifierInput = z.strictObject({ P: vectorList, support: vectorList, radius: z.number().min(0) });

/** FedLoGe: the frame `V`, and what is minimised over its surviving entries, with its gradient. */
const staticClassifierOperation: Operation = {
  async run(input) {
    const { P, support, radius } = classifierInput.parse(input);
    const V = simplexFrame(traced(P));
    const objective = classifierObjective(V, traced(support), radius);
    return { V: listed(V), objective: scalar(objective), gradient: gradientLists(objective, { V }).V };
  },
};

const realignInput = z.strictObject({
  G: vectorList,
  gb: vector,
  L: vectorList,
  lb: vector,
  f: vector,
  trainCounts: z.array(z.number().min(0)),
  scale: z.number().positive(),
});

/** FedLoGe after training: rows of the `globalHead`, and `personalLogits`, null for minus infinity. */
const realignOperation: Operation = {
  async run(input) {
    const { G, gb, L, lb, f, trainCounts, scale } = realignInput.parse(input);
    const [own, shared] = [tracedDense({ W: L, b: lb }), tracedDense({ W: G, b: gb })];
    const [logits] = listed(realignedLogits(traced([f]), own, shared, trainCounts)) as number[][];
    return {
      globalHead: listed(realignedWeight(shared.weight, scale)),
      personalLogits: logits!.map((x) => (x === Number.NEGATIVE_INFINITY ? null : x)),
    };
  },
};

const stepInput = z.strictObject({
  theta: dense,
  V: vectorList,
  G: dense,
  L: dense,
  x: vectorList,
  y: labelList,
  learningRate: z.number(),
});

/** FedLoGe: features and both heads after one step each, all from the old values. */
const stepOperation: Operation = {
  async run(input) {
    const { theta, V, G, L, x, y, learningRate } = stepInput.parse(input);
    const own = { theta: tracedDense(theta), G: tracedDense(G), L: tracedDense(L) };
    const features = tanh(affine(traced(x), own.theta.weight, own.theta.bias));
    const fixed = { weight: transpose(traced(V), [1, 0]) };
    const losses = detachedHeadLosses(features, tracedLabels(y), { fixed, shared: own.G, own: own.L });
    const loss = add(losses.features, add(losses.shared, losses.own));
    const optimizer = sgd();
    const next = takeStep(optimizer, gradients(loss, own), optimizer.init(own), own, { learningRate });
    return { theta: shown(next.parameters.theta), G: shown(next.parameters.G), L: shown(next.parameters.L) };
  },
};

const network = z.strictObject({
  A: vectorList,
  a: vector,
  B_W: vectorList,
  c_W: vector,
  B_b: vectorList,
  c_b: vector,
});
const visitInput = z.strictObject({
  psi: network,
  clients: z.array(z.strictObject({ v: vector, phi: dense, x: vectorList, y: labelList })).min(1),
  options: z.strictObject({
    width: z.int().positive(),
    headSteps: z.int().min(0),
    bodySteps: z.int().min(0),
    headLearningRate: z.number(),
    bodyLearningRate: z.number(),
    momentum: z.number().min(0).default(0),
    weightDecay: z.number().min(0).default(0),
    clip: z.number().positive().nullish(),
  }),
});
type Visit = z.infer<typeof visitInput>;

/** HyperFL: what full-batch visits of all clients make of their own parts and, by the server, of `psi`. */
const hypernetworkRound: Operation = {
  async run(input) {
    const { psi, clients, options } = visitInput.parse(input);
    const visits = clients.map((client) => hypernetworkVisit(psi, client, options));
    const layout = layoutOf(psi);
    const mean = fold("weightedMean", layout.size);
    for (const [i, { network }] of visits.entries()) mean.add(flatten(network, layout), clients[i]!.y.length);
    return {
      clients: visits.map(({ client }) => client),
      psi: unflatten(mean.result(new Float64Array(layout.size)), layout, psi),
    };
  },
};

function hypernetworkVisit(
  { A, a, B_W, c_W, B_b, c_b }: Visit["psi"],
  { v, phi, x, y }: Visit["clients"][number],
  options: Visit["options"],
): { readonly client: object; readonly network: Tensors } {
  const maps = { W: tracedDense({ W: B_W, b: c_W }), b: tracedDense({ W: B_b, b: c_b }) };
  const received: HypernetworkClient = {
    network: { hidden: tracedDense({ W: A, b: a }), maps },
    embedding: traced(v),
    head: { ...tracedDense(phi) },
  };
  const shapes = { W: [options.width, x[0]!.length], b: [options.width] };
  const [rows, labels] = [traced(x), tracedLabels(y)];
  const loss = (theta: TracedNames, head: TracedNames) => {
    const hidden = relu(affine(rows, theta["W"]!, theta["b"]!));
    return crossEntropy(affine(hidden, head["weight"]!, head["bias"]!), labels);
  };
  const { momentum, weightDecay, clip } = options;
  const steps = (count: number) => Array.from({ length: count }, () => loss);
  const theta = generatedTensors(received.network, received.embedding, shapes);
  const headSettings = { learningRate: options.headLearningRate, momentum, weightDecay };
  const adapted = headPhase(received, shapes, steps(options.headSteps), headSettings);
  const first = pulledBack(adapted, shapes, loss);
  const trained = generatorPhase(adapted, shapes, steps(options.bodySteps), {
    ...{ learningRate: options.bodyLearningRate, momentum, weightDecay },
    ...(clip == null ? {} : { clip }),
  });
  const { hidden, maps: after } = trained.network;
  return {
    client: {
      theta: { W: listed(theta["W"]!), b: listed(theta["b"]!) },
      lossAtBroadcast: scalar(loss(theta, received.head)),
      phi: shown(trained.head as TracedDense),
      firstGradV: listed(first.embedding),
      firstGradA: listed(first.network.hidden.weight),
      v: listed(trained.embedding),
    },
    network: named({
      ...{ A: hidden.weight, a: hidden.bias },
      ...{ B_W: after["W"]!.weight, c_W: after["W"]!.bias, B_b: after["b"]!.weight, c_b: after["b"]!.bias },
    }),
  };
}

type TracedNames = Readonly<Record<string, Tensor>>;
const named = (parts: TracedNames): Tensors =>
  Object.fromEntries(Object.entries(parts).map(([name, part]): [string, Nested] => [name, listed(part)]));

export const personalHeads: Readonly<Record<string, Operation>> = {
  "fedgh/server": headerServer,
  "fedloge/classifier": staticClassifierOperation,
  "fedloge/realign": realignOperation,
  "fedloge/step": stepOperation,
  "hyperfl/round": hypernetworkRound,
};
