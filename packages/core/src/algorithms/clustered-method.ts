import { numbered } from "../clustering/index.ts";
import { modelOf } from "../gossip/index.ts";
import type { Vector } from "../params/vector.ts";
import type { ClientHalf, ServerState } from "./algorithm.ts";
import { type Clusters, clusteredState, clusterModel, clustersOf, steppedModels, updatesOf } from "./clusters.ts";
import { localSgd } from "./local-sgd.ts";
import type { MethodBody } from "./method.ts";

/** What a rule for clusters sees of a round in which every client sent an update. */
export interface ClusterRound {
  /** Counts from 0. */
  readonly round: number;
  /** By client. */
  readonly updates: readonly Vector[];
  readonly assignment: readonly number[];
  readonly scalars: ServerState["scalars"];
}

/** When and how clusters are divided, and how far their models go. */
export interface ClusterRule {
  /** The clusters of this round on, with numbers that the rule keeps. A new cluster begins with the model of its clients. */
  divide(round: ClusterRound): { readonly assignment: readonly number[]; readonly scalars?: ServerState["scalars"] };
  /** Part of the mean update that a model takes. */
  step(round: number): number;
}

/**
 * A method whose server has a model for each cluster of clients, gives each client that of its own and averages updates
 * inside clusters. Clusters are divided before the updates of the round are averaged, in rounds with an update of every
 * client; in others, where clients failed, they stay.
 *
 * @param clusters that a run must have clients for
 */
export function clusteredMethod(rule: ClusterRule, clusters = 1): MethodBody {
  return {
    clusters: { count: clusters, starts: "common" },
    payloads: (model) => ({
      broadcast: { parameters: model },
      own: ["parameters"],
      upload: { delta: { layout: model, aggregation: "each" } },
      clientState: {},
    }),
    wholePopulation: true,
    init: (parameters) => clusteredState({ models: [parameters], assignment: [] }),
    client: localSgd() as unknown as ClientHalf,
    broadcast: ({ vectors }) => ({ parameters: vectors.parameters }),
    own: (state, client) => ({ parameters: clusterModel(state, client) }),
    modelFor: clusterModel,
    update(state, aggregate, context) {
      const { clients = [], population } = context;
      const round = context.round - 1;
      const before = everyone(clustersOf(state), population);
      const updates = updatesOf(aggregate, context);
      const divided =
        clients.length < population
          ? undefined
          : rule.divide({
              ...{ round, assignment: before.assignment, scalars: state.scalars },
              updates: inOrder(clients).map((row) => modelOf(updates, row)),
            });
      const { models, assignment } = divided === undefined ? before : renamed(before, divided.assignment);
      const labels = clients.map((client) => assignment[client]!);
      const stepped = steppedModels(models, updates, labels, rule.step(round));
      return clusteredState({ models: stepped, assignment }, { ...state.scalars, ...divided?.scalars });
    },
  };
}

/** Clusters of all clients of a population. */
function everyone({ models, assignment }: Clusters, population: number): Clusters {
  return { models, assignment: Array.from({ length: population }, (_, client) => assignment[client] ?? 0) };
}

/** Clusters numbered by their lowest clients; each begins with the model that its first client had. */
function renamed({ models, assignment }: Clusters, next: readonly number[]): Clusters {
  const labels = numbered(next);
  const count = Math.max(...labels) + 1;
  const first = Array.from({ length: count }, (_, cluster) => labels.indexOf(cluster));
  return { models: first.map((client) => models[assignment[client]!]!), assignment: labels };
}

/** Rows of updates by ascending client. */
function inOrder(clients: readonly number[]): number[] {
  return clients.map((_, row) => row).sort((a, b) => clients[a]! - clients[b]!);
}
