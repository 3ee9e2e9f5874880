import { fold } from "../aggregation/index.ts";
import { type Models, modelOf, modelsOf } from "../gossip/index.ts";
import type { Vector } from "../params/vector.ts";
import type { RoundContext, ServerState } from "./algorithm.ts";
import { stepFrom, zeros } from "./server.ts";

/** Names of the server's vectors with the models of all clusters, [k, d], and the cluster of each client, [n]. */
const [CLUSTERS, ASSIGNMENT] = ["clusters", "assignment"];

/** Models of a federation in clusters, and who is in which. */
export interface Clusters {
  readonly models: readonly Vector[];
  /** Cluster of each client; clients beyond its end are in cluster 0. */
  readonly assignment: readonly number[];
}

/**
 * A server's state with clusters. `parameters` is the model of the cluster with the most clients, of equally large ones the
 * first: it is what a single global model comes to, and what is evaluated on the test set.
 */
export function clusteredState({ models, assignment }: Clusters, scalars: ServerState["scalars"] = {}): ServerState {
  const sizes = models.map((_, cluster) => assignment.filter((label) => label === cluster).length);
  const parameters = models[sizes.indexOf(Math.max(...sizes))]!;
  const { data } = modelsOf(models);
  const vectors = { parameters, [CLUSTERS!]: data };
  if (assignment.length === 0) return { vectors, scalars };
  return {
    vectors: { ...vectors, [ASSIGNMENT!]: (data.constructor as typeof Float32Array).from(assignment) },
    scalars,
  };
}

/** The clusters in a state. */
export function clustersOf({ vectors }: ServerState): Clusters {
  const data = vectors[CLUSTERS!]!;
  const size = vectors.parameters.length;
  const models = Array.from({ length: data.length / size }, (_, k) => data.subarray(k * size, (k + 1) * size));
  return { models, assignment: Array.from(vectors[ASSIGNMENT!] ?? []) };
}

/** The model of a client's cluster, [d]. */
export function clusterModel(state: ServerState, client: number): Vector {
  const { models, assignment } = clustersOf(state);
  return models[assignment[client] ?? 0]!;
}

/** The updates of a round, side by side in the order of `RoundContext.clients`. */
export function updatesOf(aggregate: Readonly<Record<string, Vector>>, { clients = [], layout }: RoundContext): Models {
  return { count: clients.length, size: layout.size, data: aggregate.delta! };
}

/**
 * Every cluster's model moves by a step along the mean of its clients' updates, added as FedAvg adds them; one without
 * updates stays.
 *
 * @param labels cluster of each update
 */
export function steppedModels(
  models: readonly Vector[],
  updates: Models,
  labels: readonly number[],
  step: number,
): readonly Vector[] {
  return models.map((model, cluster) => {
    const mean = fold("uniformMean", updates.size);
    for (const [row, label] of labels.entries()) if (label === cluster) mean.add(modelOf(updates, row), 1);
    return labels.includes(cluster) ? stepFrom(model, step, mean.result(zeros(model))) : model;
  });
}
