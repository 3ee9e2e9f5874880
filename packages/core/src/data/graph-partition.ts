import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { type ArrayDataset, exampleCount } from "./dataset.ts";
import type { Partition, PartitionContext, Partitioner } from "./partition.ts";
import { type NodeNeighbours, rowNeighbours } from "./row-graph.ts";
import type { TrainTest } from "./split.ts";

/** A graph that lies with clients. Rows are numbered through: training examples, then test examples. */
export interface DealtGraph {
  readonly neighbours: NodeNeighbours;
  /** For each client the rows of the test set that are its nodes. */
  readonly test: Partition;
  /** Edges of the graph, and those whose ends are with different clients or with none: no client has them. */
  readonly edges: { readonly all: number; readonly lost: number };
}

/**
 * Deals the nodes of a graph out to clients, those of the training set and of the test set together, so that each client has
 * a part of the graph. Throws what the partitioner throws, and `partition/empty-client` where a client has no node to train
 * on.
 */
export function dealGraph(
  { train, test }: TrainTest,
  partitioner: Partitioner,
  labels: (set: ArrayDataset) => Int32Array | Uint8Array,
  context: Omit<PartitionContext, "groups" | "features">,
): { readonly partition: Partition; readonly graph: DealtGraph } {
  const neighbours = rowNeighbours(train.name, [train.graph!, test.graph!]);
  const groups = train.groups && test.groups && Int32Array.of(...train.groups, ...test.groups);
  const { clients } = partitioner.partition(Int32Array.of(...labels(train), ...labels(test)), {
    ...context,
    neighbours,
    ...(groups && { groups }),
    ...(partitioner.reads === "features" ? { features: together(train.features, test.features) } : {}),
  });
  const trained = exampleCount(train);
  const partition = { clients: clients.map((rows) => rows.filter((row) => row < trained)) };
  const tests = clients.map((rows) => unique(rows.filter((row) => row >= trained).map((row) => row - trained)));
  requireTraining(partition, partitioner);
  return { partition, graph: { neighbours, test: { clients: tests }, edges: lostEdges(neighbours, clients) } };
}

const unique = (rows: Int32Array) => Int32Array.from(new Set(rows));

function together(a: HostTensor, b: HostTensor): HostTensor {
  const data = new (a.data.constructor as new (length: number) => HostTensor["data"])(a.data.length + b.data.length);
  data.set(a.data);
  data.set(b.data, a.data.length);
  return { ...a, shape: [a.shape[0]! + b.shape[0]!, ...a.shape.slice(1)], data };
}

function lostEdges({ offsets, targets }: NodeNeighbours, clients: readonly Int32Array[]): DealtGraph["edges"] {
  const kept = new Set<number>();
  const rows = offsets.length - 1;
  for (const own of clients) {
    const held = new Set(own);
    for (const row of held) {
      for (const near of targets.subarray(offsets[row], offsets[row + 1])) {
        if (row < near && held.has(near)) kept.add(row * rows + near);
      }
    }
  }
  const all = targets.length / 2;
  return { all, lost: all - kept.size };
}

function requireTraining({ clients }: Partition, { name }: Partitioner): void {
  const empty = clients.findIndex(({ length }) => length === 0);
  if (empty < 0) return;
  throw new AnabranchError({
    code: "partition/empty-client",
    message: "a client has no node to train on",
    where: `partitioner ${name}, client ${empty}`,
    expected: "at least one node of the training set for each client",
    advice: "Set data.clients to a smaller number, or use a larger graph.",
  });
}
