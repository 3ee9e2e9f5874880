import type { Dim, TensorType, TypeTree } from "@anabranch/engine";
import type { Payloads } from "../algorithms/algorithm.ts";
import type { Model } from "../models/model.ts";
import { graphTypes } from "../models/on-graph.ts";
import { entryTypes, type Layout } from "../params/layout.ts";
import type { ParameterSplit } from "../params/standing.ts";
import { PERSONAL } from "./personal-half.ts";
import { REPEATED } from "./up-sampling.ts";

/** Types of a task's inputs, but for what settings add. */
export function taskTypes(
  model: Model,
  payloads: Payloads,
  draws: TypeTree,
  batch: number,
  { personal, frozen }: ParameterSplit,
  first: boolean,
): Record<string, TypeTree> {
  const vectors = (names: Readonly<Record<string, Layout>>): TypeTree =>
    Object.fromEntries(Object.entries(names).map(([name, layout]) => [name, entryTypes(layout)]));
  const sent = (layout: Layout): TypeTree =>
    Object.fromEntries(layout.entries.map(({ name }) => [name, { dtype: "float", shape: [] }]));
  const flags = Object.fromEntries(Object.entries(payloads.upload).map(([name, { layout }]) => [name, sent(layout)]));
  const { [REPEATED]: _rows, ...state } = payloads.clientState;
  return {
    broadcast: vectors(payloads.broadcast),
    state: vectors({ ...state, ...(personal.size === 0 ? {} : { [PERSONAL]: personal }) }),
    ...(payloads.parts === undefined ? {} : { sent: flags }),
    ...(frozen.size === 0 ? {} : { frozen: entryTypes(frozen) }),
    data: dataTypes(model, "n"),
    steps: { ...batchTypes(model, batch, "K"), draws },
    ...(first ? { personalSteps: batchTypes(model, batch, "H") } : {}),
  };
}

/** Mini-batches of so many steps. */
export function batchTypes(model: Model, batch: number, steps: Dim): Record<string, TypeTree> {
  return {
    indices: { dtype: "int32", shape: [steps, batch] },
    weights: { dtype: "float", shape: [steps, batch] },
    learningRate: { dtype: "float", shape: [steps] },
    masks: Object.fromEntries(
      model.masks.map((m) => [m.name, { dtype: "uint8", shape: [steps, batch, maskBytes(m.shape)] } as TensorType]),
    ),
  };
}

/** Bytes of one example's packed dropout mask. */
export function maskBytes(shape: readonly number[]): number {
  return Math.ceil(shape.reduce((a, b) => a * b, 1) / 8);
}

/** Types of a client's data. */
export function dataTypes(
  model: Model,
  rows: Dim,
): { features: TensorType; labels: TensorType; graph?: Record<string, TensorType> } {
  return {
    features: { dtype: model.features.dtype, shape: [rows, ...model.features.shape] },
    labels: { dtype: model.labels.dtype, shape: [rows, ...model.labels.shape] },
    ...(model.graph && { graph: graphTypes(model.graph) }),
  };
}
