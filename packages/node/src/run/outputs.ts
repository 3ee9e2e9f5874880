import {
  classMetrics,
  encodeSafetensors,
  entryView,
  exportOnnx,
  type Layout,
  type Model,
  mergeAdapters,
  type PreparedRun,
  type RunResult,
  VERSION,
  type Vector,
  wholeModel,
} from "@anabranch/core";
import { openExecutorOrFallback } from "../executors.ts";
import { modelCard } from "../report/model-card.ts";
import { privacyMetadata } from "../report/privacy.ts";
import { writeReport } from "../report/report.ts";
import { readRunFolder } from "../report/run-data.ts";
import { type RunFolder, writeRunFile } from "../store/run-folder.ts";
import { dataNamesOf, namesMetadata } from "./data-names.ts";

/** Writes the model, its card and the report of a run; returns file names relative to its folder. */
export async function writeOutputs(run: RunFolder, prepared: PreparedRun, trained: RunResult): Promise<string[]> {
  const { model, plan } = prepared;
  const adapted = { ...trained, parameters: wholeModel(plan, trained.parameters) };
  await writeClassMetrics(run, prepared, adapted);
  const { layout, values } = mergedModel(model, plan.held?.split.whole ?? plan.layout, adapted.parameters);
  const result = { ...adapted, parameters: values };
  const data = readRunFolder(run.folder);
  const about = { run: run.id, algorithm: plan.algorithm.name, model: model.name, round: String(result.round) };
  const ended = result.reason === undefined ? {} : { ended: result.stopped };
  const names = namesMetadata(dataNamesOf(prepared.federation.examples));
  const metadata = { ...about, ...ended, ...names, ...privacyMetadata(data, result) };
  await writeRunFile(run.paths.modelSafetensors, modelSafetensors(layout, result.parameters, metadata), run.files);
  await writeRunFile(
    run.paths.modelOnnx,
    modelOnnx(model.adapters?.base ?? model, layout, result.parameters, metadata),
    run.files,
  );
  await writeRunFile(run.paths.modelCard, modelCard(data), run.files);
  const charts = await writeReport(run.folder, data, run.files);
  return ["config.toml", "events.jsonl", "metrics.csv", "model.safetensors", "model.onnx", "model-card.md", ...charts];
}

function mergedModel({ adapters }: Model, layout: Layout, values: Vector): { layout: Layout; values: Vector } {
  return adapters === undefined ? { layout, values } : mergeAdapters(adapters, layout, values);
}

/** What the final model predicts by class; removes the file of an earlier session where it is not known. */
async function writeClassMetrics(run: RunFolder, prepared: PreparedRun, result: RunResult): Promise<void> {
  const metrics = await tryClassMetrics(prepared, result);
  if (metrics === undefined) await run.files.remove(run.paths.classMetrics);
  else
    await writeRunFile(run.paths.classMetrics, `${JSON.stringify({ round: result.round, ...metrics })}\n`, run.files);
}

/** A run does not fail for what is only shown: a user's own model may be evaluated, and yet give no logits. */
async function tryClassMetrics(prepared: PreparedRun, { parameters, reason }: RunResult) {
  // of a local-only run the mean of all models is saved, which is none of those that were evaluated
  if (reason !== undefined || prepared.plan.localModel !== undefined) return undefined;
  try {
    const { executor } = await openExecutorOrFallback(prepared.plan.description.executor.name);
    return await classMetrics(prepared, parameters, executor);
  } catch {
    return undefined;
  }
}

/** The parameters as safetensors, one float32 tensor a parameter. */
export function modelSafetensors(layout: Layout, parameters: Vector, metadata: Record<string, string>): Uint8Array {
  const tensors = Object.fromEntries(
    layout.entries.map((entry) => [
      entry.name,
      { shape: [...entry.shape], data: Float32Array.from(entryView(parameters, entry)) },
    ]),
  );
  return encodeSafetensors(tensors, { ...metadata, anabranch: VERSION });
}

/** The model as an ONNX inference file: raw features in, logits out. */
export function modelOnnx(
  model: Model,
  layout: Layout,
  parameters: Vector,
  metadata: Record<string, string>,
): Uint8Array {
  const values = layout.entries.map((entry) => [entry.name, Float32Array.from(entryView(parameters, entry))] as const);
  return exportOnnx(model, Object.fromEntries(values), { ...metadata, anabranch: VERSION });
}
