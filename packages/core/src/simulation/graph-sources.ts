import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { type FederatedGraph, federatedGraph } from "../client/client-graph.ts";
import { arrayDataSpec } from "../client/data-source.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { type ArrayDataset, exampleCount, type FederatedDataset } from "../data/index.ts";
import { hidesLabels } from "../data/unlabelled.ts";
import type { Model } from "../models/model.ts";
import type { Warning } from "../round/backend.ts";
import { rootSize } from "./root-examples.ts";
import type { SimulationSources } from "./simulation-spec.ts";

/** Rows of the training set that clients train on and hold out. */
export interface NodeRows {
  readonly trained: readonly Int32Array[];
  readonly holdout: readonly Int32Array[] | undefined;
}

/**
 * The data of a run whose model takes nodes: every client has the graph of its own nodes, those to train on, to hold out and
 * to test on, and is judged on it. Clients that are pooled have all edges between them.
 *
 * @param train, test in the element types that the model's programs take
 */
export function nodeSources(
  { train, test, partition, graph }: Pick<FederatedDataset, "train" | "test" | "partition" | "graph">,
  { trained, holdout }: NodeRows,
  isPooled: boolean,
): Omit<SimulationSources, "attackTest"> {
  const first = exampleCount(train);
  const { neighbours, test: tests } = graph!;
  const held = partition.clients.map((rows, client) => {
    const own = [...rows, ...Array.from(tests.clients[client]!, (row) => first + row)];
    return Int32Array.from(new Set(own));
  });
  const pooled = [Int32Array.from(new Set(held.flatMap((rows) => [...rows])))];
  const features = together(train.features, test.features);
  const whole = federatedGraph(features, neighbours, isPooled ? pooled : held);
  const judged = isPooled ? tests.clients.flatMap((rows) => [...rows]) : undefined;
  const testRows = judged === undefined ? tests.clients : [Int32Array.from(judged)];
  const spec = (labels: HostTensor, from: number, rows: readonly Int32Array[], own: FederatedGraph) => {
    const nodes = Int32Array.from({ length: labels.shape[0]! }, (_, row) => from + row);
    return { ...arrayDataSpec({ dtype: "int32", shape: [nodes.length], data: nodes }, labels, rows), graph: own };
  };
  return {
    train: spec(train.labels, 0, trained, whole),
    holdout: holdout && spec(train.labels, 0, holdout, isPooled ? federatedGraph(features, neighbours, held) : whole),
    test: spec(test.labels, first, testRows, whole),
  };
}

function together(a: HostTensor, b: HostTensor): HostTensor {
  const data = new (a.data.constructor as new (length: number) => HostTensor["data"])(a.data.length + b.data.length);
  data.set(a.data);
  data.set(b.data, a.data.length);
  return { ...a, shape: [a.shape[0]! + b.shape[0]!, ...a.shape.slice(1)], data };
}

/** Refuses a model of nodes for data without edges. Throws `model/graph`. */
export function requireGraph({ name, graph }: ArrayDataset, model: Model): void {
  if (model.graph === undefined || graph !== undefined) return;
  throw new AnabranchError({
    code: "model/graph",
    message: "the model takes nodes of a graph, and this data set has no edges",
    where: `model ${model.name}, data set ${name}`,
    received: "examples without edges",
    expected: "examples that are the nodes of a graph",
    advice: "Choose a data set with a graph, such as block-graph, or a model of single examples, such as mlp.",
  });
}

/** Refuses what changes examples, or takes some from their clients, where these are nodes of a graph. Throws `config/conflict`. */
export function requirePlainNodes(config: Config, model: Model): void {
  const { data, taskStream, aggregation } = config;
  const { shift, publicExamples, unlabelled } = data;
  const refused: readonly (readonly [key: string, value: unknown, isSet: boolean, expected: string])[] = [
    ["data.shift.kind", shift.kind, shift.kind !== "none", '"none"'],
    ["data.publicExamples", publicExamples, publicExamples !== undefined, "nothing"],
    ["data.unlabelled", "hidden labels", hidesLabels(unlabelled), "none"],
    ["taskStream.kind", taskStream.kind, taskStream.kind !== "none", '"none"'],
    ["aggregation.rule", aggregation.rule, rootSize(config) > 0, "a rule without data of the server"],
  ];
  const found = refused.find(([, , isSet]) => isSet);
  if (found === undefined) return;
  const [key, value, , expected] = found;
  const advice = "Nodes stay as they are, with their client: remove it, or choose a model of single examples.";
  throw conflict(key, `${JSON.stringify(value)}, with model.name = "${model.name}"`, expected, advice);
}

/** Warns of edges that no client has. */
export function lostEdges(
  { baseline }: Config,
  model: Model,
  { dataset }: { readonly dataset: FederatedDataset | undefined },
): Warning[] {
  const { all = 0, lost = 0 } = dataset?.graph?.edges ?? {};
  if (model.graph === undefined || lost === 0 || baseline === "centralized") return [];
  const share = ((100 * lost) / all).toFixed(1);
  const message = `${lost} of ${all} edges (${share} %) are lost: they lead from one client to another. A client has the edges between its own nodes alone.`;
  return [{ code: "data/lost-edges", message }];
}
