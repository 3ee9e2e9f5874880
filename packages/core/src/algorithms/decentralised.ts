import { AnabranchError } from "@anabranch/engine";
import {
  activeRows,
  applyNodeRule,
  averageAll,
  judgedPairs,
  type Models,
  meanModel,
  modelOf,
  modelsOf,
  type NodeRule,
  quantisedBytes,
  sendingsOf,
  type Trained,
  trainedModels,
} from "../gossip/index.ts";
import type { Layout } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import { deriveKey, type RandomKey, rootKey } from "../random/index.ts";
import { linksOf, range, type Topology } from "../topology/index.ts";
import type { Algorithm, RoundContext, ServerState, Upload } from "./algorithm.ts";

/** How nodes are joined, and where they start. */
export interface Gossip {
  readonly topology: Topology;
  /** First and last round in which every node gets the mean of all instead; absent: none. */
  readonly averaging?: readonly [from: number, to: number] | undefined;
  /** Model of a node before the first round, [d]; absent: the common one. */
  start?(node: number, common: Vector): Vector;
  /** Of what nodes draw when they mix. */
  readonly key?: RandomKey;
}

/** Name of the server's vector with the models of all nodes, [nodes, d]. */
export const NODES = "nodes";

/**
 * A method without a server: every client is a node with its own model, from which it trains and which it then mixes with
 * those that it hears, as `method.gossip` says. The state has the models of all nodes beside `parameters`, which is their
 * mean: it is evaluated, and no node ever sees it. A node that did not train keeps its model and takes no part in mixing.
 *
 * Throws `algorithm/gossip` where the method has no rule for nodes.
 *
 * @example decentralised(dfedavg(), { topology: graphTopology("ring", ring(16), "metropolis") })
 */
export function decentralised(method: Algorithm, gossip: Gossip): Algorithm {
  const { gossip: rule } = method;
  if (rule === undefined) throw noRule(method.name);
  const { topology, averaging: [from, to] = [0, -1], key = rootKey(0) } = gossip;
  const averages = (round: number) => round >= from && round <= to;
  const rowsOf = ({ round, clients = [] }: RoundContext) => activeRows(topology.rows(round), new Set(clients));
  const pairsOf = (models: Models, context: RoundContext) => {
    if (rule.name !== "class-weighted" || averages(context.round)) return [];
    return judgedPairs(models, rowsOf(context), rule, deriveKey(key, "gossip", context.round));
  };
  const questions: Algorithm["questions"] = (state, aggregate, context) => {
    const models = trainedModels(trainedNodes(state, aggregate, context));
    return pairsOf(models, context).map(([client, node]) => ({ client, model: modelOf(models, node) }));
  };
  return {
    ...method,
    ...(rule.name === "class-weighted" ? { questions } : {}),
    payloads(model) {
      const { upload, ...payloads } = method.payloads(model);
      const each = Object.entries(upload).map(([name, sent]): [string, Upload] => {
        return [name, { ...sent, aggregation: "each" }];
      });
      return { ...payloads, own: ["parameters"], upload: Object.fromEntries(each) };
    },
    init(parameters, model) {
      const { scalars } = method.init(parameters, model);
      const starts = range(topology.nodes).map((node) => gossip.start?.(node, parameters) ?? parameters);
      return stateOf(modelsOf(starts), scalars);
    },
    own: (state, client) => ({ parameters: modelOf(nodesOf(state), client) }),
    models: (state) => range(topology.nodes).map((node) => modelOf(nodesOf(state), node)),
    update(state, aggregate, context) {
      const { round, clients = [], layout, scores = [] } = context;
      const trained = trainedNodes(state, aggregate, context);
      const pairs = pairsOf(trainedModels(trained), context);
      const classes = layout.entries[0]!.shape.at(-1)!;
      const mixed = averages(round)
        ? averageAll(trainedModels(trained), clients)
        : applyNodeRule(rule, trained, rowsOf(context), layout.entries, { pairs, scores, classes });
      return stateOf(mixed, state.scalars);
    },
    traffic({ bytesUp }, { round, clients = [], layout }) {
      if (clients.length === 0) return { bytesDown: 0, bytesUp: 0, largestMessage: 0 };
      const whole = bytesUp / clients.length;
      // an all-reduce around a ring sends two models for each node
      if (averages(round)) return { bytesDown: 0, bytesUp: 2 * bytesUp, largestMessage: whole };
      const message = messageBytes(rule, whole, layout.size);
      const links = linksOf(activeRows(topology.rows(round), new Set(clients))).length;
      return { bytesDown: 0, bytesUp: links * sendingsOf(rule) * message, largestMessage: message };
    },
  };
}

/** What nodes have after local training: the models that they started from, and the changes to them. */
export function trainedNodes(
  state: ServerState,
  aggregate: Readonly<Record<string, Vector>>,
  { layout, clients = [] }: Pick<RoundContext, "layout" | "clients">,
): Trained {
  const models = nodesOf(state, layout);
  const changes = { ...models, data: zerosLike(models.data) };
  const [updates] = Object.values(aggregate);
  for (const [row, client] of clients.entries())
    modelOf(changes, client).set(updates!.subarray(row * layout.size, (row + 1) * layout.size));
  return { models, changes };
}

/** A state with these models of nodes. */
export function stateOf(models: Models, scalars: ServerState["scalars"] = {}): ServerState {
  return { vectors: { parameters: meanModel(models), [NODES]: models.data }, scalars };
}

/** The models of all nodes in a state. */
export function nodesOf({ vectors }: ServerState, { size }: Pick<Layout, "size"> = sizeOf(vectors.parameters)): Models {
  const data = vectors[NODES]!;
  return { count: data.length / size, size, data };
}

const sizeOf = ({ length }: Vector) => ({ size: length });

/** Messages of quantised gossip hold packed integers in place of floats. */
function messageBytes(rule: NodeRule, whole: number, parameters: number): number {
  if (rule.name !== "quantised") return whole;
  const width = whole > 8 * parameters ? 8 : 4;
  return Math.round(whole) - width * parameters + quantisedBytes(parameters, rule);
}

function noRule(name: string): AnabranchError {
  return new AnabranchError({
    code: "algorithm/gossip",
    message: "this method has no rule by which nodes mix their models",
    where: "algorithm.name",
    received: JSON.stringify(name),
    expected: "a decentralised method, e.g. dfedavg",
  });
}
