import { AnabranchError, constant, mean, type nn, reshape, type Tensor } from "@anabranch/engine";
import type { ParameterTensors } from "../algorithms/algorithm.ts";
import { adjacencyOf } from "../data/row-graph.ts";
import type { Model } from "../models/model.ts";
import { onGraph } from "../models/on-graph.ts";
import { normal } from "../random/distributions.ts";
import { deriveKey, type RandomKey, randomStream, rootKey } from "../random/index.ts";
import { federatedGraph, graphOfClients } from "./client-graph.ts";
import { headInputs } from "./representations.ts";

/** Groups of nodes of a random graph, and how likely two nodes of a group have an edge; between groups there is none. */
const BLOCKS = 5;
const EDGE = 0.1;

/**
 * Outputs of a model in evaluation on `rows` inputs of standard normal numbers, in one row. The inputs follow from the seed
 * alone, so those of all clients are the same. Models of nodes have them on the nodes of a random graph. Throws
 * `model/random-inputs` for models of tokens.
 */
export function outputsOnNoise(model: Model, parameters: ParameterTensors, rows: number, seed: number): Tensor {
  const [own, inputs] = noiseFor(model, rows, seed);
  const outputs = own.forward(parameters, inputs);
  return reshape(outputs, [(outputs.shape as number[]).reduce((a, b) => a * b, 1)]);
}

/** The mean over the same inputs of what enters the head, [width]. Throws `model/representations`, too. */
export function featuresOnNoise(model: Model, parameters: ParameterTensors, rows: number, seed: number): Tensor {
  const [own, inputs] = noiseFor(model, rows, seed);
  return mean(headInputs(own, parameters, inputs), [0]);
}

/** Random inputs, and the model as it takes them. */
function noiseFor(model: Model, rows: number, seed: number): readonly [Model, Tensor] {
  const key = deriveKey(rootKey(seed), "random-inputs");
  if (model.graph !== undefined) {
    return [
      onGraph(model, randomGraph(rows, model.graph.features, key)),
      constant([...Array(rows).keys()], [rows], "int32"),
    ];
  }
  const { dtype, shape } = model.features;
  if (dtype === "int32" || model.words !== undefined || model.labels.shape.length > 0) throw noNoise(model);
  const stream = randomStream(key);
  const size = shape.reduce((a, b) => a * b, rows);
  return [
    model,
    constant(
      Float64Array.from({ length: size }, () => normal(stream)),
      [rows, ...shape],
    ),
  ];
}

/**
 * FED-PUB's proxy graph: 5 groups of nodes, each pair of a group with an edge at probability 0.1, and features that are
 * standard normal. Node i is in group floor(5 i / nodes).
 */
export function randomGraph(nodes: number, width: number, key: RandomKey): nn.GraphContext {
  const stream = randomStream(deriveKey(key, "edges"));
  const groupOf = (node: number) => Math.floor((BLOCKS * node) / nodes);
  const edges: number[] = [];
  for (let a = 0; a < nodes; a++) {
    for (let b = a + 1; b < nodes && groupOf(b) === groupOf(a); b++) if (stream.float() < EDGE) edges.push(a, b);
  }
  const values = randomStream(key);
  const data = Float64Array.from({ length: nodes * width }, () => normal(values));
  const all = Int32Array.from({ length: nodes }, (_, node) => node);
  const whole = federatedGraph({ dtype: "float", shape: [nodes, width], data }, adjacencyOf(nodes, edges), [all]);
  const { graph } = graphOfClients(whole, 0, [all]);
  const traced = (name: keyof typeof graph) => constant(graph[name].data, graph[name].shape, graph[name].dtype);
  return { features: traced("features"), from: traced("from"), to: traced("to"), weights: traced("weights") };
}

function noNoise({ name }: Model): AnabranchError {
  return new AnabranchError({
    code: "model/random-inputs",
    message: "the method compares models on random numbers, and this model takes tokens",
    where: `model ${name}`,
    received: "tokens, or labels at every position",
    expected: "features of numbers or pixels",
    advice: "Choose another method, for example ifca, or a model of images or tables.",
  });
}
