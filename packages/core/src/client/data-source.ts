import type { HostTensor } from "@anabranch/engine";
import { type Poison, poisonRows } from "../adversary/data-attack.ts";
import { selectTensorRows } from "../data/dataset.ts";
import { type SyntheticKeys, type SyntheticSpec, syntheticClient } from "../data/synthetic.ts";
import type { ClientData } from "./run-client.ts";

/**
 * Where clients' data come from, as plain data that can be posted to a worker: arrays shared by all clients with each
 * client's rows, or a lazy synthetic population that takes no memory.
 */
export type DataSpec = DataOrigin & {
  /** What attackers among the clients do to their rows; absent: nothing. */
  readonly poison?: Poison | undefined;
};

type DataOrigin =
  | {
      readonly kind: "arrays";
      readonly features: HostTensor;
      readonly labels: HostTensor;
      /** Client i owns rows[offsets[i] .. offsets[i + 1]]. */
      readonly rows: Int32Array;
      readonly offsets: Int32Array;
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
  load(client: number): ClientData;
  /** The rows of clients from..to (to excluded) one after the other, and how many each has. */
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

/** Examples of the client that has most. */
export function largestClient(spec: DataSpec): number {
  if (spec.kind === "synthetic") return spec.spec.examples;
  return spec.offsets.reduce((most, end, i) => Math.max(most, end - (spec.offsets[i - 1] ?? end)), 0);
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
    load(client) {
      const data = source.load(client);
      if (attackers.has(client)) poisonRows(data, poison.attack, client);
      return data;
    },
  };
}

function openOrigin(spec: DataOrigin): ClientDataSource {
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
  const { offsets } = spec;
  const loadRange = (from: number, to: number) => {
    // a private copy: ONNX Runtime refuses tensors over shared buffers
    const rows = spec.rows.subarray(offsets[from]!, offsets[to]!);
    const data = { features: selectTensorRows(spec.features, rows), labels: selectTensorRows(spec.labels, rows) };
    return { data, counts: Array.from({ length: to - from }, (_, i) => offsets[from + i + 1]! - offsets[from + i]!) };
  };
  return { clients: offsets.length - 1, load: (client) => loadRange(client, client + 1).data, loadRange };
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
