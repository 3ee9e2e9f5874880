import type { DataSpec, FederatedGraph, SimulationSpec } from "@anabranch/core";
import type { HostData, HostTensor } from "@anabranch/engine";

/** The same simulation with its arrays in shared memory, so that threads receive them without copies. */
export function shareSimulation(simulation: SimulationSpec): SimulationSpec {
  return {
    ...simulation,
    train: shareSpec(simulation.train),
    test: shareSpec(simulation.test),
    holdout: simulation.holdout === undefined ? undefined : shareSpec(simulation.holdout),
    attackTest: simulation.attackTest === undefined ? undefined : shareSpec(simulation.attackTest),
  };
}

const shared = new WeakMap<HostData, HostData>();

function shareSpec(spec: DataSpec): DataSpec {
  if (spec.kind !== "arrays") return spec;
  return {
    ...spec,
    features: shareTensor(spec.features),
    labels: shareTensor(spec.labels),
    rows: shareData(spec.rows),
    offsets: shareData(spec.offsets),
    ...(spec.graph && { graph: shareGraph(spec.graph) }),
  };
}

function shareGraph({ features, neighbours, members, offsets }: FederatedGraph): FederatedGraph {
  return {
    features: shareTensor(features),
    neighbours: { offsets: shareData(neighbours.offsets), targets: shareData(neighbours.targets) },
    members: shareData(members),
    offsets: shareData(offsets),
  };
}

function shareTensor(tensor: HostTensor): HostTensor {
  return { ...tensor, data: shareData(tensor.data) };
}

/** A copy over shared memory; the same array is copied once (training and hold-out rows lie in the same features). */
function shareData<T extends HostData>(data: T): T {
  if (data.buffer instanceof SharedArrayBuffer) return data;
  const known = shared.get(data) as T | undefined;
  if (known !== undefined) return known;
  const make = data.constructor as new (buffer: SharedArrayBuffer) => T;
  const copy = new make(new SharedArrayBuffer(data.byteLength));
  copy.set(data as never);
  shared.set(data, copy);
  return copy;
}
