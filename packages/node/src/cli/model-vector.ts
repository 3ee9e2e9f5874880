import { stat } from "node:fs/promises";
import { AnabranchError, decodeSafetensors, type Layout, layout, readerLimits, type Vector } from "@anabranch/core";
import { readRegularFile } from "../data/regular-file.ts";
import { findRun } from "../store/find-run.ts";
import { loadTrainedModel } from "./trained-model.ts";

/** Named tensors as one flat vector. */
export interface ModelVector {
  /** The run or the file, as it is shown. */
  readonly source: string;
  readonly layout: Layout;
  /** [layout.size], finite. */
  readonly values: Vector;
}

/**
 * The parameters of a run's newest checkpoint, or the floats in a safetensors file: a model, an update, adapters.
 *
 * @param text a RUN, or a path of a file
 * @throws `compression/file`, `compression/values`, `safetensors/...`, and what finding and reading runs throws
 */
export async function readModelVector(runs: string, text: string, best: boolean): Promise<ModelVector> {
  const isFile = text.endsWith(".safetensors") || (await stat(text).catch(() => undefined))?.isFile() === true;
  return finite(isFile ? await ofFile(text) : await ofRun(runs, text, best));
}

async function ofRun(runs: string, text: string, best: boolean): Promise<ModelVector> {
  const run = await findRun(runs, text);
  const { layout, parameters, checkpoint } = await loadTrainedModel(run.folder, best);
  return { source: `${run.name}, model after round ${checkpoint.round}`, layout, values: parameters };
}

async function ofFile(path: string): Promise<ModelVector> {
  const bytes = await readRegularFile(path, readerLimits.fileBytes).catch((cause) => {
    throw unreadable(path, (cause instanceof AnabranchError && cause.failure.received) || String(cause), cause);
  });
  const { tensors } = decodeSafetensors(bytes, path, { halfFloats: true });
  const floats = Object.entries(tensors).flatMap(([name, { shape, data }]) =>
    data instanceof Float32Array || data instanceof Float64Array ? [{ name, shape, data }] : [],
  );
  if (floats.length === 0) throw unreadable(path, `${Object.keys(tensors).length} tensors, none of floats`);
  const whole = layout(
    floats.map(({ name, shape }) => ({ name, shape, role: shape.length > 1 ? "matrix" : "vector", block: name })),
  );
  const isDouble = floats.every(({ data }) => data instanceof Float64Array);
  const values = isDouble ? new Float64Array(whole.size) : new Float32Array(whole.size);
  const byName = new Map(floats.map(({ name, data }) => [name, data]));
  for (const { name, offset } of whole.entries) values.set(byName.get(name)!, offset);
  return { source: path, layout: whole, values };
}

/** Throws `compression/values` for a value that is not finite. */
export function finite(model: ModelVector): ModelVector {
  const at = model.values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return model;
  const entry = model.layout.entries.find(({ offset, size }) => at < offset + size)!;
  throw new AnabranchError({
    code: "compression/values",
    message: "a value is not finite, so it cannot be compressed",
    where: `${model.source}, ${entry.name}`,
    received: String(model.values[at]),
    expected: "finite numbers",
  });
}

function unreadable(path: string, received: string, cause?: unknown): AnabranchError {
  return new AnabranchError({
    code: "compression/file",
    message: "the model cannot be read",
    where: path,
    received,
    expected: "a run, or a safetensors file with tensors of floats",
    advice: "anabranch export RUN --safetensors writes such a file.",
    cause,
  });
}
