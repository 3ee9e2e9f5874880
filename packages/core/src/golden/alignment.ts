import { add, constant, mean, mul, type nn, type Tensor, transpose } from "@anabranch/engine";
import * as z from "zod";
import { headInputs } from "../client/representations.ts";
import {
  adaptiveMargin,
  alignedObjective,
  balancedAssignment,
  calibrationLoss,
  centroidPosterior,
  classWeights,
  clusteringAccuracy,
  curvatureOf,
  domainLoss,
  maskRegularisers,
  normalisedAdjacency,
  openWorldTerms,
  partnersOf,
  prunedMask,
  suppressedLoss,
} from "../heterogeneity/index.ts";
import { crossEntropy, rowsAt } from "../heterogeneity/losses.ts";
import { gcn } from "../models/gcn.ts";
import { onGraph } from "../models/on-graph.ts";
import { labelList } from "./distillation.ts";
import type { Operation } from "./operation.ts";
import { vector, vectorList } from "./quadratic-problem.ts";
import { gradientLists, listed, scalar, traced, tracedLabels } from "./traced.ts";

const penaltyInput = z.strictObject({
  phi: vectorList,
  domains: z.array(z.strictObject({ f: vectorList, y: labelList })).min(1),
  probes: z.array(vectorList).min(1),
  alpha: z.number(),
  beta: z.number(),
});

/** Hessian alignment: the statistics of each domain, and the objective with its gradient in both forms. */
export const alignmentOperation: Operation = {
  async run(input) {
    const given = penaltyInput.parse(input);
    const phi = traced(given.phi);
    const domains = given.domains.map(({ f, y }) => ({ features: traced(f), labels: tracedLabels(y) }));
    const probes = given.probes.map((probe) => ({ phi: traced(probe) }));
    const curvatures = (form: "hgp" | readonly { readonly phi: Tensor }[]) =>
      domains.map((domain) => curvatureOf(domainLoss(phi, domain), { phi }, form));
    const seconds = (form: "hgp" | readonly { readonly phi: Tensor }[]) =>
      curvatures(form).map(({ second }) => listed(second.phi));
    const [hgp, hutchinson] = [
      alignedObjective(phi, domains, "hgp", given),
      alignedObjective(phi, domains, probes, given),
    ];
    return {
      gradients: curvatures("hgp").map(({ gradient }) => listed(gradient.phi)),
      hgp: seconds("hgp"),
      hutchinson: seconds(probes),
      objectiveHgp: scalar(hgp),
      gradHgp: gradientLists(hgp, { phi }).phi,
      objectiveHutchinson: scalar(hutchinson),
      gradHutchinson: gradientLists(hutchinson, { phi }).phi,
    };
  },
};

const termsInput = z.strictObject({
  a: vectorList,
  b: vectorList,
  features: vectorList,
  labelled: z.int().min(1),
  y: labelList,
  labelledPartners: labelList,
  centroids: vectorList,
  uncertainty: z.number(),
  scale: z.number(),
  counts: z.array(z.number().min(0)).min(1),
  beta: z.number().positive(),
  temperature: z.number().positive(),
  sinkhorn: z.strictObject({ scores: vectorList, epsilon: z.number().positive(), iterations: z.int().min(0) }),
  clustering: z.strictObject({ predicted: z.array(z.int()), truth: z.array(z.int()), classes: z.int().positive() }),
});

/** FedoSSL's terms with gradients by the logits of view a, its balanced assignment and clustering accuracy. */
export const openWorldOperation: Operation = {
  async run(input) {
    const given = termsInput.parse(input);
    const a = traced(given.a);
    const unlabelled = given.a[0]!.length;
    const counts = traced(given.a.map(() => 1));
    const unknown = given.a.map((_, i) => i >= given.labelled);
    const labels = tracedLabels(unknown.map((hidden, i) => (hidden ? unlabelled : given.y[i]!)));
    const nearest = listed<number[]>(partnersOf(traced(given.features), labels, unlabelled, counts));
    const partners = nearest.map((row, i) => given.labelledPartners[i] ?? row);
    const margin = adaptiveMargin(constant(given.uncertainty), given.scale);
    const batch = { views: [a, traced(given.b)], labels, partners: tracedLabels(partners), counts } as const;
    const terms = openWorldTerms(batch, margin);
    const posterior = centroidPosterior(traced(given.features), traced(given.centroids), given.temperature);
    const omega = classWeights(traced(given.counts), given.beta);
    const suppressed = suppressedLoss(a, traced(unknown.map(Number)), omega);
    const gradient = (loss: Tensor) => gradientLists(loss, { a }).a;
    const { scores, ...settings } = given.sinkhorn;
    const { predicted, truth, classes } = given.clustering;
    return {
      partners,
      margin: scalar(margin),
      supervised: scalar(terms.supervised),
      gradSupervised: gradient(terms.supervised),
      pairwise: scalar(terms.pairwise),
      gradPairwise: gradient(terms.pairwise),
      entropy: scalar(terms.entropy),
      gradEntropy: gradient(terms.entropy),
      posterior: listed(posterior),
      calibration: scalar(calibrationLoss(posterior, tracedLabels(partners))),
      omega: listed(omega),
      suppressed: scalar(suppressed),
      gradSuppressed: gradient(suppressed),
      assignment: balancedAssignment(scores, settings),
      accuracy: clusteringAccuracy(predicted, truth, classes),
    };
  },
};

const parameterLists = z.strictObject({
  W1: vectorList,
  b1: vector,
  W2: vectorList,
  b2: vector,
  Wc: vectorList,
  bc: vector,
});
const maskLists = z.strictObject({ W1: vectorList, W2: vectorList, Wc: vectorList });
const graphInput = z.strictObject({
  adjacency: vectorList,
  x: vectorList,
  y: labelList,
  train: labelList,
  parameters: parameterLists,
  masks: maskLists,
  received: parameterLists,
  lambda1: z.number(),
  lambda2: z.number(),
  proxy: z.strictObject({ adjacency: vectorList, x: vectorList }),
});

interface GraphLists {
  readonly adjacency: readonly (readonly number[])[];
  readonly x: readonly (readonly number[])[];
}

const everyNode = ({ x }: GraphLists) => tracedLabels([...x.keys()]);

/** The graph of an adjacency matrix, which may have weights. */
function tracedGraph({ adjacency, x }: GraphLists): nn.GraphContext {
  const n = adjacency.length;
  const propagation = normalisedAdjacency(adjacency);
  const places = [...propagation.keys()].filter((place) => propagation[place] !== 0);
  return {
    features: traced(x),
    from: tracedLabels(places.map((place) => place % n)),
    to: tracedLabels(places.map((place) => Math.floor(place / n))),
    weights: constant(
      places.map((place) => propagation[place]!),
      [places.length],
    ),
  };
}

const eachTraced = <T extends Readonly<Record<string, readonly unknown[]>>>(lists: T) =>
  Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, traced(list as number[])])) as {
    [K in keyof T]: Tensor;
  };

/** FED-PUB's client on a graph: `logits`, `loss` with gradients, `embedding` on the proxy graph, entries `pruned`. */
export const graphClientOperation: Operation = {
  async run(input) {
    const given = graphInput.parse(input);
    const { lambda1: sparsity, lambda2: pull } = given;
    const [parameters, masks, received] = [
      eachTraced(given.parameters),
      eachTraced(given.masks),
      eachTraced(given.received),
    ];
    const { W1, W2, Wc } = given.parameters;
    const hidden = [W1.length, W2.length];
    const model = gcn({ input: [W1[0]!.length], inputType: "float", hidden, classes: Wc.length, dropout: 0 });
    const used = (name: keyof typeof masks) => transpose(mul(parameters[name], masks[name]), [1, 0]);
    const values = {
      ...{ "conv1.weight": used("W1"), "conv1.bias": parameters.b1 },
      ...{ "conv2.weight": used("W2"), "conv2.bias": parameters.b2 },
      ...{ "classifier.weight": used("Wc"), "classifier.bias": parameters.bc },
    };
    const logits = onGraph(model, tracedGraph(given)).forward(values, everyNode(given));
    const embedding = mean(headInputs(onGraph(model, tracedGraph(given.proxy)), values, everyNode(given.proxy)), [0]);
    const truth = tracedLabels(given.train.map((node) => given.y[node]!));
    const fit = crossEntropy(rowsAt(logits, tracedLabels(given.train)), truth);
    const loss = add(fit, maskRegularisers(parameters, masks, received, { sparsity, pull }));
    const pruned = Object.entries(given.masks).map(([name, mask]) => {
      const flat = Float64Array.from(mask.flat());
      return [name, prunedMask(flat, sparsity).filter((value, i) => value !== flat[i]).length];
    });
    return {
      logits: listed(logits),
      loss: scalar(loss),
      gradParameters: gradientLists(loss, parameters),
      gradMasks: gradientLists(loss, masks),
      embedding: listed(embedding),
      pruned: Object.fromEntries(pruned),
    };
  },
};
