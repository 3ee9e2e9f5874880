import { AnabranchError } from "@anabranch/engine";
import {
  type ArrayDataset,
  type CsvOptions,
  checkDataset,
  createPartitioner,
  exampleCount,
  federate,
  type Partition,
  selectRows,
  splitHoldout,
  type TrainTest,
} from "../data/index.ts";
import { createModel } from "../models/index.ts";
import type { RandomKey } from "../random/index.ts";
import { conform } from "../simulation/federation.ts";
import type { LocalExamples } from "./client-report.ts";
import { matchSchema, requireKind } from "./match-schema.ts";
import type { DataSchema, TaskDescription } from "./task-description.ts";

/**
 * How a client reads a table of its own: with the columns, categories and statistics of the run.
 *
 * @example
 * ```ts
 * import { tableReading } from "@anabranch/core/live";
 * const features = { dtype: "float" as const, shape: [2] };
 * const labels = { dtype: "float" as const, shape: [] }; // numbers to predict
 * tableReading({ name: "trees", features, labels, classes: 1 }).table; // => { target: "number" }
 * ```
 */
export function tableReading({ table, labels }: DataSchema): Pick<CsvOptions, "encoding" | "table"> {
  return { ...(table && { encoding: table }), table: { target: labels.dtype === "float" ? "number" : "class" } };
}

/**
 * Shape of images, [channels, height, width]: a client scales its own to it. Undefined where examples are no images.
 *
 * @example
 * ```ts
 * import { imageReading } from "@anabranch/core/live";
 * const features = { dtype: "uint8" as const, shape: [3, 32, 32] };
 * const labels = { dtype: "uint8" as const, shape: [] };
 * imageReading({ name: "leaves", features, labels, classes: 5 }); // => [3, 32, 32]
 * ```
 */
export function imageReading({ features: { dtype, shape } }: DataSchema): readonly number[] | undefined {
  return dtype === "uint8" && shape.length === 3 ? shape : undefined;
}

/**
 * A client's own data as examples of the run: all of them, but for what it keeps for evaluation.
 *
 * @param holdoutKey decides which examples are kept; no server learns it
 * @throws as `checkDataset`, `matchSchema` and `conform`
 *
 * @example
 * ```ts
 * import { rootKey } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * import { describeTask, ownExamples } from "@anabranch/core/live";
 * const { config, live } = smallRun({ name: "fedavg" });
 * const features = { dtype: "float", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } as const;
 * const labels = { dtype: "uint8", shape: [2], data: Uint8Array.of(0, 2) } as const;
 * const own = { name: "mine", features, labels, classes: 3 };
 * ownExamples(own, describeTask(config, live), rootKey(1)).train.labels.data; // => [0, 2]
 * ```
 */
export function ownExamples(own: ArrayDataset, description: TaskDescription, holdoutKey: RandomKey): LocalExamples {
  checkDataset(own);
  const dataset = matchSchema(own, description.data);
  const all: Partition = { clients: [Int32Array.from({ length: exampleCount(dataset) }, (_, row) => row)] };
  const { train, holdout } = splitHoldout(all, description.partition?.holdout ?? 0, holdoutKey);
  return examplesOf(dataset, description, train.clients[0]!, holdout.clients[0]!);
}

/**
 * The share of the known partition of a trial, exactly as a simulation gives it to the client of this number.
 *
 * @param data the whole data set
 * @throws as `requireKind`, `federate` and `conform`; `data/share` where the partition has no such client
 *
 * @example
 * ```ts
 * import { smallRun } from "@anabranch/core/conformance";
 * import { describeTask, sharedExamples } from "@anabranch/core/live";
 * const { config, live } = smallRun({ name: "fedavg" });
 * const description = describeTask(config, live);
 * const { train, test } = live.federation.dataset!;
 * sharedExamples({ train, test }, description, description.partition!, 3).train.features.shape; // => [12, 2]
 * ```
 */
export function sharedExamples(
  data: TrainTest,
  description: TaskDescription,
  shared: NonNullable<TaskDescription["partition"]>,
  client: number,
): LocalExamples {
  requireKind(data.train, description.data);
  const partitioner = createPartitioner(shared.scheme, shared.options);
  const { partition, clients } = federate(data, partitioner, { key: shared.key, clients: shared.clients });
  if (client >= clients) throw noShare(client, clients, data.train.name);
  const { train, holdout } = splitHoldout(partition, shared.holdout, shared.holdoutKey);
  return examplesOf(data.train, description, train.clients[client]!, holdout.clients[client]!);
}

/** Rows of a data set in the element types that the run's programs take. */
function examplesOf(
  dataset: ArrayDataset,
  { data, model, float }: TaskDescription,
  train: ArrayLike<number>,
  holdout: ArrayLike<number>,
): LocalExamples {
  const example = ({ dtype, shape }: typeof data.features) => ({ dtype, shape: [1, ...shape] });
  const examples = { features: example(data.features), labels: example(data.labels), classes: data.classes };
  const fitting = conform(dataset, createModel(model.name, examples, model.options), float);
  const rows = (of: ArrayLike<number>) => {
    const { features, labels } = selectRows(fitting, of);
    return { features, labels };
  };
  return { train: rows(train), ...(holdout.length > 0 && { holdout: rows(holdout) }) };
}

function noShare(client: number, clients: number, name: string): AnabranchError {
  return new AnabranchError({
    code: "data/share",
    message: "the partition has no client of this number",
    where: `data set ${name}`,
    received: `client ${client}`,
    expected: `a number from 0 to ${clients - 1}`,
    advice: "The server may have another version of this data set: compare the files.",
  });
}
