import type { HostTensor } from "@anabranch/engine";
import type { RandomKey } from "../random/index.ts";
import type { NodeNeighbours } from "./row-graph.ts";

/** Who holds which examples. */
export interface Partition {
  /** For each client the rows of the training set it holds. A row may occur more than once (equal-size Dirichlet). */
  readonly clients: readonly Int32Array[];
}

export interface PartitionContext {
  /** Key of the draw; the same key gives the same partition. */
  readonly key: RandomKey;
  readonly classes: number;
  /** Number of clients wanted. */
  readonly clients: number;
  /** [n] natural owner of each example. */
  readonly groups?: Int32Array;
  /** [n, ...] what the examples look like, for partitioners that read features. */
  readonly features?: HostTensor;
  /** Of the examples, where they are the nodes of a graph. */
  readonly neighbours?: NodeNeighbours;
}

/** A way of dealing a training set out to clients. */
export interface Partitioner {
  readonly name: string;
  /** What the rule looks at beside the number of examples. Absent: labels. */
  readonly reads?: "labels" | "groups" | "features" | "graph" | "nothing";
  /** @param labels [n], one class for each example */
  partition(labels: Int32Array | Uint8Array, context: PartitionContext): Partition;
}
