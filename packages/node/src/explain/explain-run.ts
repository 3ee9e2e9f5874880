import {
  AnabranchError,
  type Checkpoint,
  type ClassActivations,
  type ClassActivator,
  type ClientData,
  type ClientVectors,
  type Config,
  hasPersonalModels,
  layout,
  mapOverlap,
  newestCheckpoint,
  openClassActivator,
  openDataSource,
  type PreparedRun,
  personalModel,
  requireLayout,
  servedModel,
  type Vector,
  wholeModel,
} from "@anabranch/core";
import type { LoadOptions } from "../run/configured.ts";
import { dataNamesOf } from "../run/data-names.ts";
import { openPrepared } from "../run/simulation.ts";
import { readBlobs } from "../store/disk-blob-store.ts";
import { readClientState } from "../store/disk-client-states.ts";
import type { RunFolder } from "../store/run-folder.ts";

export interface ExplainOptions extends LoadOptions {
  readonly client: number;
  readonly images: number;
}

/** What a model says of an image, and where it looks for the image's own class. */
export interface View {
  readonly predicted: number;
  /** [map.height * map.width], 0 or more. */
  readonly map: ArrayLike<number>;
}

export interface ExplainedImage {
  /** [channels * height * width] in [0, 1]. */
  readonly pixels: ArrayLike<number>;
  readonly label: number;
  readonly global: View;
  /** Absent where clients have no models of their own. */
  readonly personal?: View | undefined;
  /** Of the two maps; absent where there is one, or where one is zero everywhere. */
  readonly overlap?: number | undefined;
}

/** Some images of a client under the global model and under its own. */
export interface Explanation {
  readonly round: number;
  readonly client: number;
  readonly dataset: string;
  readonly model: string;
  readonly classNames: readonly string[] | undefined;
  /** Where the images come from. */
  readonly source: "hold-out" | "test set";
  readonly image: { readonly height: number; readonly width: number };
  readonly map: { readonly height: number; readonly width: number };
  readonly images: readonly ExplainedImage[];
  readonly meanOverlap: number | undefined;
}

/**
 * Explains the newest checkpoint of a simulated run on images of a client. Nothing in the run's folder is changed.
 *
 * @throws `explain/...`, `run/no-checkpoint`, `params/layout`, and what loading a configuration throws
 */
export async function explainRun(run: RunFolder, config: Config, options: ExplainOptions): Promise<Explanation> {
  const { prepared, executor } = await openPrepared(config, run.id, options);
  const { plan, model, federation } = prepared;
  const { client } = options;
  if (client >= plan.population) throw noClient(client, plan.population);
  const image = imageOf(model.features.shape, model.name);
  const checkpoint = await newest(run);
  requireLayout(checkpoint.layoutHash, plan.layout.hash, run.folder);
  const { source, data } = examplesOf(prepared, client);
  const rows = chosenRows(data, options.images);
  const labels = rows.map((row) => Number(data.labels.data[row]));
  const global = wholeModel(plan, servedModel(plan, checkpoint.serverState.vectors["parameters"]!));
  const own = await clientModel(prepared, checkpoint, client, run);
  const activator = await openClassActivator(model, layout(model.parameters), executor);
  try {
    const explained = (parameters: Vector) =>
      explainedRows(activator, inFloat(parameters, executor.float), data.features, rows, labels);
    const views = await explained(global);
    const personal = own && (await explained(own));
    const pixels = pixelsOf(data.features, rows);
    const images = rows.map((_, i) => explainedImage(pixels[i]!, labels[i]!, views, personal, i));
    const overlaps = images.flatMap(({ overlap }) => (overlap === undefined ? [] : [overlap]));
    return {
      ...{ round: checkpoint.round, client, dataset: federation.name, model: model.name, source, image, images },
      classNames: dataNamesOf(federation.dataset?.train ?? {}).classNames,
      map: { height: views.height, width: views.width },
      meanOverlap: overlaps.length === 0 ? undefined : overlaps.reduce((a, b) => a + b, 0) / overlaps.length,
    };
  } finally {
    await activator.release();
  }
}

function explainedImage(
  pixels: ArrayLike<number>,
  label: number,
  global: ClassActivations,
  personal: ClassActivations | undefined,
  i: number,
): ExplainedImage {
  const view = ({ maps, predicted }: ClassActivations): View => ({ map: maps[i]!, predicted: predicted[i]! });
  if (personal === undefined) return { pixels, label, global: view(global) };
  const overlap = mapOverlap(global.maps[i]!, personal.maps[i]!);
  return { pixels, label, global: view(global), personal: view(personal), overlap };
}

function explainedRows(
  activator: ClassActivator,
  parameters: Vector,
  features: ClientData["features"],
  rows: readonly number[],
  labels: readonly number[],
): Promise<ClassActivations> {
  const size = features.data.length / features.shape[0]!;
  const data = features.data.slice(0, rows.length * size);
  for (const [i, row] of rows.entries())
    data.set(features.data.subarray(row * size, (row + 1) * size) as never, i * size);
  return activator.explain(parameters, { ...features, shape: [rows.length, ...features.shape.slice(1)], data }, labels);
}

/** The model that serves a client; undefined where that is the global one. */
async function clientModel(
  { plan }: PreparedRun,
  { serverState, clientStates, round }: Checkpoint,
  client: number,
  { paths, files }: RunFolder,
): Promise<Vector | undefined> {
  const { algorithm, payloads } = plan;
  const server = serverState as Parameters<typeof algorithm.update>[0];
  const { parameters } = server.vectors;
  if (algorithm.modelFor !== undefined) return wholeModel(plan, algorithm.modelFor(server, client));
  if (payloads.own?.includes("parameters") === true && algorithm.gossip === undefined && algorithm.widths === undefined)
    return wholeModel(plan, algorithm.own!(server, client, round + 1)["parameters"]!);
  if (plan.localModel === undefined && !hasPersonalModels(plan)) return undefined;
  const kept: ClientVectors | undefined =
    clientStates.kind === "inline"
      ? clientStates.states.find((one) => one.client === client)?.vectors
      : await readClientState(paths.clientStates, files, clientStates.versions, client);
  return plan.localModel?.(plan.initial, kept) ?? personalModel(plan, parameters, kept);
}

async function newest({ folder, files }: RunFolder): Promise<Checkpoint> {
  const found = await newestCheckpoint(readBlobs(folder, files));
  if (found !== undefined) return found.checkpoint;
  throw new AnabranchError({
    code: "run/no-checkpoint",
    message: "the run has no checkpoint yet",
    where: folder,
    advice: "Wait for its first round, or resume the run.",
  });
}

/** A client's hold-out, or the test set where clients have none. */
function examplesOf(
  { simulation }: PreparedRun,
  client: number,
): { readonly source: Explanation["source"]; readonly data: ClientData } {
  const holdout = simulation.holdout && openDataSource(simulation.holdout).load(client);
  if (holdout !== undefined && holdout.features.shape[0]! > 0) return { source: "hold-out", data: holdout };
  return { source: "test set", data: openDataSource(simulation.test).load(0) };
}

/** Rows of as many classes as there are: the first of each class, then the second, and so on. */
function chosenRows({ labels }: ClientData, most: number): number[] {
  const seen = new Map<number, number>();
  const ranked = Array.from(labels.data as ArrayLike<number>, (label, row) => {
    const rank = seen.get(label) ?? 0;
    seen.set(label, rank + 1);
    return { row, label, rank };
  });
  ranked.sort((a, b) => a.rank - b.rank || a.label - b.label);
  return ranked.slice(0, most).map(({ row }) => row);
}

/** Values of images in [0, 1]: bytes by 255, other numbers between the smallest and the largest that are shown. */
function pixelsOf({ dtype, shape, data }: ClientData["features"], rows: readonly number[]): Float64Array[] {
  const size = data.length / shape[0]!;
  const images = rows.map((row) => Float64Array.from(data.subarray(row * size, (row + 1) * size) as ArrayLike<number>));
  if (dtype === "uint8") return images.map((image) => image.map((value) => value / 255));
  const low = Math.min(...images.map((image) => Math.min(...image)));
  const high = Math.max(...images.map((image) => Math.max(...image)));
  return images.map((image) => image.map((value) => (value - low) / (high - low || 1)));
}

function imageOf(shape: readonly number[], model: string): Explanation["image"] {
  const [channels, height, width] = shape;
  if (shape.length === 3 && (channels === 1 || channels === 3)) return { height: height!, width: width! };
  throw new AnabranchError({
    code: "explain/images",
    message: "only images can be drawn with what a model sees in them",
    where: `model ${model}`,
    received: `features [${shape.join(", ")}]`,
    expected: "images [1 or 3, height, width]",
    advice: "Explain a run on images.",
  });
}

function inFloat(values: Vector, float: "float32" | "float64"): Vector {
  return float === "float64" ? Float64Array.from(values) : Float32Array.from(values);
}

function noClient(client: number, population: number): AnabranchError {
  return new AnabranchError({
    code: "explain/client",
    message: "the run has no such client",
    received: String(client),
    expected: `0 to ${population - 1}`,
    advice: "Choose another one with --client.",
  });
}
