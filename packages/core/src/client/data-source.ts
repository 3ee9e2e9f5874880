import type { HostTensor } from "@anabranch/engine";
import type { ClientData } from "./run-client.ts";
import { rootKey } from "../random/index.ts";
import { selectTensorRows, syntheticClient, type SyntheticSpec } from "../data/index.ts";

/**
 * Where clients' data come from, as plain data that can be posted to a worker: arrays shared by all clients with each
 * client's rows, or a lazy synthetic population that takes no memory.
 */
export type DataSpec =
  | {
      readonly kind: "arrays";
      readonly features: HostTensor;
      readonly labels: HostTensor;
      /** Client i owns rows[offsets[i] .. offsets[i + 1]]. */
      readonly rows: Int32Array;
      readonly offsets: Int32Array;
    }
  | { readonly kind: "synthetic"; readonly seed: number; readonly clients: number; readonly spec: SyntheticSpec };

/** Loads one client's data, fresh arrays each time. */
export interface ClientDataSource {
  readonly clients: number;
  load(client: number): ClientData;
}

/** The data of clients over shared arrays; `rows[i]` are the rows of client i. */
export function arrayDataSpec(features: HostTensor, labels: HostTensor, rows: readonly Int32Array[]): DataSpec {
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

export function openDataSource(spec: DataSpec): ClientDataSource {
  if (spec.kind === "synthetic") {
    const key = rootKey(spec.seed);
    return { clients: spec.clients, load: (client) => syntheticClient(key, client, spec.spec) };
  }
  return {
    clients: spec.offsets.length - 1,
    load(client) {
      // a private copy: ONNX Runtime refuses tensors over shared buffers
      const rows = spec.rows.subarray(spec.offsets[client]!, spec.offsets[client + 1]!);
      return { features: selectTensorRows(spec.features, rows), labels: selectTensorRows(spec.labels, rows) };
    },
  };
}

