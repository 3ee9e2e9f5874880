import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { type Poison, poisonRows } from "../adversary/data-attack.ts";
import { selectTensorRows } from "../data/dataset.ts";
import { type SyntheticKeys, type SyntheticSpec, syntheticClient } from "../data/synthetic.ts";
import { orderFeatures, rowsOfTask, type TaskStream, taskOfRound } from "../data/task-stream.ts";
import { type FederatedGraph, graphOfClients } from "./client-graph.ts";
import type { ClientData } from "./run-client.ts";

/**
 * Where clients' data come from, as plain data that can be posted to a worker: arrays shared by all clients with each
 * client's rows, or a lazy synthetic population that takes no memory.
 */
export type DataSpec = DataOrigin & {
  /** What attackers among the clients do to their rows; absent: nothing. */
  readonly poison?: Poison | undefined;
  /** Tasks that come one after the other; client i then owns rows of every task, as owner `task * clients + i`. Absent: one task. */
  readonly stream?: ClientStream | undefined;
};

/** Tasks, and between how many clients each is divided. */
interface ClientStream extends TaskStream {
  readonly clients: number;
}

type DataOrigin =
  | {
      readonly kind: "arrays";
      readonly features: HostTensor;
      readonly labels: HostTensor;
      /** Client i owns rows[offsets[i] .. offsets[i + 1]]. */
      readonly rows: Int32Array;
      readonly offsets: Int32Array;
      /** Where the examples are nodes, and features their numbers, [n]: the graph. */
      readonly graph?: FederatedGraph | undefined;
    }
  | {
      readonly kind: "synthetic";
      readonly keys: SyntheticKeys;
      readonly clients: number;
      readonly spec: SyntheticSpec;
    };

/** Loads clients' data, fresh arrays each time. */
export interface ClientDataSource {
  readonly clients: number;
  /** @param round decides between the tasks of a stream; counts from 1 */
  load(client: number, round?: number): ClientData;
  /** The rows of owners from..to (to excluded) one after the other, and how many each has. Without tasks, owners are clients. */
  loadRange(from: number, to: number): { readonly data: ClientData; readonly counts: readonly number[] };
}

/** The data of clients over shared arrays; `rows[i]` are the rows of client i. */
export function arrayDataSpec(
  features: HostTensor,
  labels: HostTensor,
  rows: readonly Int32Array[],
): DataSpec & { kind: "arrays" } {
  const offsets = new Int32Array(rows.length + 1);
  rows.forEach((r, i) => {
    offsets[i + 1] = offsets[i]! + r.length;
  });
  const flat = new Int32Array(offsets[rows.length]!);
  rows.forEach((r, i) => {
    flat.set(r, offsets[i]!);
  });
  return { kind: "arrays", features, labels, rows: flat, offsets };
}

/** The same clients in every task of a stream. Throws `data/empty-task` where one has no examples of a task, unless allowed. */
export function inTasks<S extends DataSpec & { kind: "arrays" }>(
  spec: S,
  stream: TaskStream | undefined,
  options: { readonly mayBeEmpty?: boolean } = {},
): S {
  if (stream === undefined) return spec;
  const { labels, rows, offsets } = spec;
  const clients = offsets.length - 1;
  const owned = Array.from({ length: stream.tasks * clients }, (_, owner) => {
    const [task, client] = [Math.floor(owner / clients), owner % clients];
    const own = rowsOfTask(stream, task, labels, rows.subarray(offsets[client]!, offsets[client + 1]!));
    if (own.length === 0 && options.mayBeEmpty !== true) throw noExamples(client, task);
    return own;
  });
  return { ...spec, ...arrayDataSpec(spec.features, labels, owned), stream: { ...stream, clients } };
}

function noExamples(client: number, task: number): AnabranchError {
  return new AnabranchError({
    code: "data/empty-task",
    message: "a client has no examples of a task",
    where: `taskStream, client ${client}, task ${task + 1}`,
    expected: "at least one example of every task",
    advice: 'Choose a more even data.partition, e.g. "iid", fewer clients, or fewer tasks.',
  });
}

/** Examples of the client that has most. */
export function largestClient(spec: DataSpec): number {
  if (spec.kind === "synthetic") return spec.spec.examples;
  return spec.offsets.reduce((most, end, i) => Math.max(most, end - (spec.offsets[i - 1] ?? end)), 0);
}

/** Examples of a client, the mean. */
export function meanExamples(spec: DataSpec): number {
  if (spec.kind === "synthetic") return spec.spec.examples;
  return spec.rows.length / (spec.offsets.length - 1);
}

/**
 * Opens the data of clients, and lets attackers among them change their rows.
 *
 * @example
 * ```ts
 * import { openDataSource } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * const { train } = smallRun({ name: "fedavg" }).prepared.simulation;
 * const source = openDataSource(train);
 * source.load(0).features.shape; // => [12, 2]
 * ```
 */
export function openDataSource(spec: DataSpec): ClientDataSource {
  const source = openOrigin(spec);
  const { poison } = spec;
  if (poison === undefined) return source;
  const attackers = new Set(poison.clients);
  return {
    ...source,
    load(client, round) {
      const data = source.load(client, round);
      if (attackers.has(client)) poisonRows(data, poison.attack, client);
      return data;
    },
  };
}

function openOrigin(spec: DataSpec): ClientDataSource {
  if (spec.kind === "synthetic") {
    const load = (client: number) => syntheticClient(spec.keys, client, spec.spec);
    return {
      clients: spec.clients,
      load,
      loadRange(from) {
        const data = load(from);
        return { data, counts: [data.features.shape[0]!] };
      },
    };
  }
  const { offsets, stream } = spec;
  const loadRange = (from: number, to: number) => {
    // a private copy: ONNX Runtime refuses tensors over shared buffers
    const rows = spec.rows.subarray(offsets[from]!, offsets[to]!);
    const data = { features: selectTensorRows(spec.features, rows), labels: selectTensorRows(spec.labels, rows) };
    const counts = Array.from({ length: to - from }, (_, i) => offsets[from + i + 1]! - offsets[from + i]!);
    if (spec.graph !== undefined) return { data: nodesOfClients(spec.graph, from, counts, data), counts };
    if (stream !== undefined) orderOwners(stream, from, counts, data.features);
    return { data, counts };
  };
  const clients = stream?.clients ?? offsets.length - 1;
  const ownerOf = (client: number, round: number) =>
    stream === undefined ? client : taskOfRound(stream, round) * clients + client;
  const load = (client: number, round = 1) => {
    const owner = ownerOf(client, round);
    return loadRange(owner, owner + 1).data;
  };
  return { clients, load, loadRange };
}

/** Nodes by their numbers in the graphs of their clients. */
function nodesOfClients(graph: FederatedGraph, from: number, counts: readonly number[], data: ClientData): ClientData {
  const nodes = data.features.data as Int32Array;
  let next = 0;
  const owned = counts.map((count) => {
    next += count;
    return nodes.subarray(next - count, next);
  });
  const { graph: own, places } = graphOfClients(graph, from, owned);
  return { ...data, features: { ...data.features, data: places }, graph: own };
}

/** The features of owners one after the other, each in the order of its task. */
function orderOwners(stream: ClientStream, from: number, counts: readonly number[], { shape, data }: HostTensor): void {
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  let row = 0;
  for (const [i, count] of counts.entries()) {
    const own = data.subarray(row * size, (row + count) * size) as HostTensor["data"];
    orderFeatures(stream, Math.floor((from + i) / stream.clients), own);
    row += count;
  }
}

/**
 * Cuts the clients of a source into ranges [from, to) of at most about `rows` rows, so that small hold-outs share an
 * evaluation batch. It depends on the data alone, never on the number of workers.
 *
 * @param only the range of this client alone
 *
 * @example
 * ```ts
 * import { evaluationRanges } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * const { train } = smallRun({ name: "fedavg" }).prepared.simulation; // four clients of 12 examples
 * evaluationRanges(train, 24); // => [[0, 2], [2, 4]]
 * ```
 */
export function evaluationRanges(
  spec: DataSpec,
  rows: number,
  only?: number,
): readonly (readonly [from: number, to: number])[] {
  if (only !== undefined) return [[only, only + 1]];
  if (spec.kind === "synthetic")
    return Array.from({ length: spec.clients }, (_, client) => [client, client + 1] as const);
  const ranges: [number, number][] = [];
  const clients = spec.offsets.length - 1;
  for (let from = 0; from < clients; ) {
    let to = from + 1;
    while (to < clients && spec.offsets[to + 1]! - spec.offsets[from]! <= rows) to++;
    ranges.push([from, to]);
    from = to;
  }
  return ranges;
}
