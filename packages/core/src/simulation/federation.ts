import { AnabranchError, type HostTensor, hashText } from "@anabranch/engine";
import { arrayDataSpec, type DataSpec, inTasks } from "../client/data-source.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import {
  type ArrayDataset,
  createPartitioner,
  datasetHash,
  exampleCount,
  type FederatedDataset,
  federate,
  imageQuestions,
  ofOwners,
  type Partition,
  type Partitioner,
  type PartitionStatistics,
  partitionLabels,
  partitionStatistics,
  populationStatistics,
  type SyntheticPopulation,
  shiftClients,
  splitHoldout,
  syntheticKeys,
  type TaskStream,
  type TestRows,
  type TrainTest,
  transposeImages,
  type UnlabelledSettings,
} from "../data/index.ts";
import { openTaskStream } from "../data/task-stream.ts";
import { atSingleClients, hiddenLabels, hidesLabels } from "../data/unlabelled.ts";
import type { Model } from "../models/index.ts";
import type { ModelData } from "../models/registry.ts";
import { deriveKey, type RandomKey, rootKey } from "../random/index.ts";
import type { RegressionScale } from "../round/run-plan.ts";
import { type NodeRows, nodeSources, requireGraph, requirePlainNodes } from "./graph-sources.ts";
import { type LabelledExamples, withPublicExamples } from "./public-examples.ts";
import { requireNoRoot, rootSize, withRoot } from "./root-examples.ts";
import type { SimulationSources } from "./simulation-spec.ts";
import { requireNoTable, withTable } from "./table-columns.ts";

type Sources = Omit<SimulationSources, "attackTest">;

/** The data of a run and how they lie with the clients. */
export interface Federation {
  readonly name: string;
  readonly clients: number;
  readonly classes: number;
  /** Training examples of the client with fewest, of the one with most, and of all clients together. */
  readonly examplesHeld: { readonly fewest: number; readonly most: number; readonly total: number };
  /** Training examples by client, in a centralized run by client whose examples were pooled; undefined: `examplesHeld.fewest` each. */
  readonly localExamples: readonly number[] | undefined;
  /** Hash of the data and their partition. */
  readonly hash: string;
  /** How losses become errors where the labels are numbers to predict. */
  readonly regression?: RegressionScale | undefined;
  /** Whose the test examples are; undefined where nobody says. */
  readonly testRows: TestRows | undefined;
  /** The whole data set where it lies in memory. */
  readonly dataset: FederatedDataset | undefined;
  /** What a model must know of the examples. */
  readonly examples: ModelData;
  /** Which training labels are hidden; undefined: none. */
  readonly unlabelled?: UnlabelledSettings | undefined;
  /** Tasks that come one after the other; undefined: there is one. */
  readonly taskStream?: TaskStream | undefined;
  /** Of all clients, or of the first hundred of a computed population. */
  readonly statistics: PartitionStatistics;
  /** The data in the element types that the model's programs take. Throws `model/features` or `model/labels`. */
  sources(model: Model, float: "float32" | "float64"): Sources;
}

/**
 * Deals data in memory out to clients as configured, or takes a population that is computed client by client.
 *
 * @example
 * ```ts
 * import { openFederation, resolveConfig, rootKey, syntheticDataset } from "@anabranch/core";
 * const part = (firstIndex: number) =>
 *   syntheticDataset(rootKey(1), { shape: [1, 4, 4], classes: 2, examples: 6, firstIndex });
 * const config = resolveConfig({ data: { clients: 2, partition: { scheme: "iid" } }, sampler: { cohort: 2 } });
 * openFederation(config, { train: part(0), test: part(6) }).examplesHeld; // => { fewest: 3, most: 3, total: 6 }
 * ```
 */
export function openFederation(config: Config, data: TrainTest | SyntheticPopulation): Federation {
  return "kind" in data ? computed(config, data) : dealtOut(config, data);
}

function dealtOut(config: Config, whole: TrainTest): Federation {
  const partitioner = namedPartitioner(config);
  const key = (purpose: string) => deriveKey(rootKey(config.seed), purpose);
  const { clients: wanted, shift, unlabelled, holdout } = config.data;
  const data = chosenExamples(config, whole, key("questions"));
  const dealt = shiftClients(
    federate(data, partitioner, { key: key("partition"), clients: wanted }),
    shift,
    key("partition"),
  );
  const partition = atSingleClients(dealt.partition, dealt.train.labels, unlabelled);
  const parts = splitHoldout(partition, holdout, key("holdout"));
  const owned = withRoot(config, parts.train.clients);
  const encoded = withTable(config, dealt, { ...parts.train, clients: owned.slice(0, dealt.clients) });
  const { test, publicSet } = withPublicExamples(config, encoded.test, encoded.testRows);
  const dataset = { ...encoded, test };
  const { train } = dataset;
  const isHidden = hidesLabels(unlabelled);
  const labels = isHidden ? hiddenLabels(train, parts.train, unlabelled, key("unlabelled")) : train.labels;
  const taskStream = openTaskStream(config.taskStream, train, key("task-stream"));
  const clients = owned.slice(0, dataset.clients);
  const localExamples = clients.map(({ length }) => length);
  const isPooled = config.baseline === "centralized";
  const isPublic = config.baseline === "public-only";
  const trained = isPublic ? [allRows(publicSet!)] : isPooled ? pool({ clients }).clients : owned;
  const sizes = isPublic || isPooled ? trained.map(({ length }) => length) : localExamples;
  return {
    name: dataset.name,
    clients: sizes.length,
    localExamples,
    dataset,
    classes: train.classes,
    examplesHeld: rangeOf(sizes),
    hash: hashWith(config, dataset.hash),
    unlabelled: isHidden ? unlabelled : undefined,
    taskStream,
    testRows: dataset.testRows,
    regression: train.labels.dtype === "float" ? regressionScale(dataset) : undefined,
    examples: train,
    statistics: partitionStatistics(
      isPublic ? { clients: trained } : isPooled ? pool(partition) : partition,
      partitionLabels(isPublic ? publicSet! : train, partitioner),
      train.classes,
    ),
    sources(model, float) {
      const { features, labels: known } = conform(train, model, float);
      const kept = holdout > 0 ? parts.holdout.clients : undefined;
      if (model.graph !== undefined) return ofNodes(config, dataset, { trained, holdout: kept }, model, float);
      const open = publicSet && examplesOf(conform(publicSet, model, float));
      const own = isPublic ? open! : { features, labels: conformLabels(labels, model, float) };
      return {
        train: inTasks(arrayDataSpec(own.features, own.labels, trained), taskStream),
        holdout: kept && arrayDataSpec(features, known, kept),
        test: inTasks(inChunks(conform(test, model, float), config.evaluation.batch), taskStream, { mayBeEmpty: true }),
        publicSet: open,
      };
    },
  };
}

/** The examples that a run is about, out of what was loaded. */
function chosenExamples({ data }: Config, loaded: TrainTest, key: RandomKey): TrainTest {
  const { owners, transpose, questions } = data;
  const images = transpose ? transposeImages(loaded) : loaded;
  const asked = questions.families.length === 0 ? images : imageQuestions(images, key, questions);
  return owners === undefined ? asked : ofOwners(asked, owners);
}

/** The same where the model takes nodes of a graph. */
function ofNodes(
  config: Config,
  dataset: FederatedDataset,
  rows: NodeRows,
  model: Model,
  float: "float32" | "float64",
): Sources {
  requirePlainNodes(config, model);
  const [train, test] = [dataset.train, dataset.test].map((part) => conform(part, model, float));
  return nodeSources({ ...dataset, train: train!, test: test! }, rows, config.baseline === "centralized");
}

function allRows(dataset: ArrayDataset): Int32Array {
  return Int32Array.from({ length: exampleCount(dataset) }, (_, row) => row);
}

function examplesOf({ features, labels }: ArrayDataset): LabelledExamples {
  return { features, labels };
}

function rangeOf(sizes: readonly number[]): Federation["examplesHeld"] {
  return {
    fewest: sizes.reduce((a, b) => Math.min(a, b)),
    most: sizes.reduce((a, b) => Math.max(a, b)),
    total: sizes.reduce((a, b) => a + b),
  };
}

/** The identity of data with what is done to them beside the partition. */
function hashWith(config: Config, hash: string): string {
  const { taskStream, data } = config;
  const changes: [name: string, settings: unknown][] = [
    ["root", rootSize(config)],
    ["public", data.publicExamples ?? 0],
    ["taskStream", taskStream.kind === "none" ? 0 : taskStream],
    ["unlabelled", hidesLabels(data.unlabelled) ? data.unlabelled : 0],
  ];
  return changes
    .filter(([, settings]) => settings !== 0)
    .reduce((before, change) => hashText(JSON.stringify([before, ...change])), hash);
}

/** Units of the target, and the variance of the test targets. */
function regressionScale({ train, test }: FederatedDataset): RegressionScale {
  const values = test.labels.data;
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return { deviation: train.table?.target?.deviation ?? 1, variance: squares / values.length };
}

/** One client with the rows of all, in the order of the clients. */
function pool({ clients }: Partition): Partition {
  const rows = new Int32Array(clients.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const own of clients) {
    rows.set(own, offset);
    offset += own.length;
  }
  return { clients: [rows] };
}

function computed(config: Config, population: SyntheticPopulation): Federation {
  requireNoRoot(config);
  requireOwners(config);
  requireNoChange(config);
  const { name, seed, clients, spec } = population;
  requireNoTable(config, name);
  const { test, publicSet } = withPublicExamples(config, population.test, "separate");
  return {
    name,
    clients,
    localExamples: undefined,
    dataset: undefined,
    classes: spec.classes,
    examplesHeld: { fewest: spec.examples, most: spec.examples, total: clients * spec.examples },
    hash: hashText(JSON.stringify([seed, clients, spec, datasetHash(test)])),
    testRows: "separate",
    examples: test,
    statistics: populationStatistics(population),
    sources(model, float) {
      if (model.labels.dtype !== "uint8") {
        throw new AnabranchError({
          code: "model/labels",
          message: "the model does not take this data set's labels",
          where: `model ${model.name}, data set ${name}`,
          received: test.labels.dtype,
          expected: model.labels.dtype,
        });
      }
      return {
        train: { kind: "synthetic", keys: syntheticKeys(rootKey(seed)), clients, spec },
        holdout: undefined,
        test: inChunks(conform(test, model, float), config.evaluation.batch),
        publicSet: publicSet && examplesOf(conform(publicSet, model, float)),
      };
    },
  };
}

/** Computed clients have no rows in memory that could be put together. */
function requireOwners({ baseline, data }: Config): void {
  if (baseline !== "centralized" && baseline !== "public-only") return;
  throw conflict(
    "baseline",
    `"${baseline}", with data.dataset = "${data.dataset}"`,
    "a data set in memory",
    "Synthetic clients are computed one by one and cannot be pooled. Choose another data set.",
  );
}

/** Computed clients have no rows in memory that could be chosen or changed. */
function requireNoChange({ data }: Config): void {
  const { shift, owners, transpose, questions } = data;
  const changes = {
    "shift.kind": shift.kind === "none" ? undefined : shift.kind,
    owners,
    transpose: transpose ? true : undefined,
    "questions.families": questions.families.length > 0 ? questions.families : undefined,
  };
  const [key, value] = Object.entries(changes).find(([, set]) => set !== undefined) ?? [];
  if (key === undefined) return;
  throw conflict(
    `data.${key}`,
    `${JSON.stringify(value)}, with data.dataset = "${data.dataset}"`,
    "the key to be omitted",
    "Synthetic clients are computed one by one and cannot be changed. Choose another data set.",
  );
}

function namedPartitioner(config: Config): Partitioner {
  const { scheme, ...options } = config.data.partition;
  return createPartitioner(scheme, options);
}

/**
 * Labels and float features in the element types that the model's programs take. Throws `model/features`,
 * `model/labels` or `model/classes` where the model is made for other data.
 */
export function conform(dataset: ArrayDataset, model: Model, float: "float32" | "float64"): ArrayDataset {
  const { features, labels } = dataset;
  requireGraph(dataset, model);
  requireFit(dataset, model);
  const data =
    features.dtype !== "float"
      ? features.data
      : float === "float64"
        ? Float64Array.from(features.data)
        : Float32Array.from(features.data);
  return { ...dataset, features: { ...features, data }, labels: conformLabels(labels, model, float) };
}

function conformLabels(labels: HostTensor, model: Model, float: "float32" | "float64"): HostTensor {
  const { dtype } = model.labels;
  if (dtype === "float") {
    return { ...labels, data: float === "float64" ? Float64Array.from(labels.data) : Float32Array.from(labels.data) };
  }
  if (labels.dtype === dtype) return labels;
  return { ...labels, dtype, data: dtype === "int32" ? Int32Array.from(labels.data) : Uint8Array.from(labels.data) };
}

function requireFit({ name, features, labels, classes, ignoredLabel }: ArrayDataset, model: Model): void {
  const where = `model ${model.name}, data set ${name}`;
  const shapeOf = (shape: readonly number[]) => `[${shape.join(", ")}]`;
  const refuse = (part: string, received: string, expected: string): never => {
    throw new AnabranchError({
      code: `model/${part}`,
      message: `the model does not take this data set's ${part}`,
      where,
      received,
      expected,
      advice: 'Choose a model for this kind of data ("anabranch models" lists them), or another data set.',
    });
  };
  const given = features.dtype + shapeOf(features.shape.slice(1));
  const taken = model.graph ? `float[${model.graph.features}]` : model.features.dtype + shapeOf(model.features.shape);
  if (given !== taken) refuse("features", given, taken);
  const [labelled, wanted] = [shapeOf(labels.shape.slice(1)), shapeOf(model.labels.shape)];
  if (labelled !== wanted) refuse("labels", `labels of shape ${labelled}`, `shape ${wanted}`);
  const kind = (dtype: string) => (dtype === "float" ? "numbers to predict" : "classes");
  if (kind(labels.dtype) !== kind(model.labels.dtype)) {
    refuse("labels", kind(labels.dtype), kind(model.labels.dtype));
  }
  if (ignoredLabel !== undefined && model.ignoredLabel !== ignoredLabel) {
    const counted = model.ignoredLabel === undefined ? "all count" : `model.ignoredLabel = ${model.ignoredLabel}`;
    refuse("labels", counted, `model.ignoredLabel = ${ignoredLabel}, as not all positions of these data count`);
  }
  if (classes > model.classes) refuse("classes", String(classes), `at most ${model.classes}`);
}

/** A split in chunks of one evaluation batch each. */
function inChunks({ features, labels }: ArrayDataset, size: number): DataSpec & { kind: "arrays" } {
  const rows = features.shape[0]!;
  const chunks = Array.from({ length: Math.ceil(rows / size) }, (_, chunk) =>
    Int32Array.from({ length: Math.min(size, rows - chunk * size) }, (_, i) => chunk * size + i),
  );
  return arrayDataSpec(features, labels, chunks);
}
