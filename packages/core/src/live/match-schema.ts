import { AnabranchError, type HostTensor } from "@anabranch/engine";
import { type ArrayDataset, featureNames, type TableEncoding } from "../data/index.ts";
import { namesOf } from "./data-names.ts";
import type { DataSchema } from "./task-description.ts";

/**
 * The client's own examples as the run numbers them: labels by the names of their classes, tokens by their characters,
 * where both sides have names. Two files number the same classes differently, which nobody would notice in training.
 *
 * @throws `data/schema` where shapes or types differ, `data/class-names` and `data/vocabulary` for names that the run
 *   does not have
 */
export function matchSchema(dataset: ArrayDataset, schema: DataSchema): ArrayDataset {
  requireKind(dataset, schema);
  const names = namesOf(dataset);
  const classes = numbersOf("class-names", names.classNames, schema.classNames, dataset.name);
  const tokens = numbersOf("vocabulary", names.vocabulary, schema.vocabulary, dataset.name);
  const labels = classes ?? tokens;
  if (labels === undefined && dataset.classes > schema.classes) throw tooManyClasses(dataset, schema);
  return {
    ...dataset,
    classes: schema.classes,
    features: tokens === undefined ? dataset.features : renumbered(dataset.features, tokens),
    labels: labels === undefined ? dataset.labels : renumbered(dataset.labels, labels),
  };
}

/** Refuses examples of other columns, shapes and element types than those of the run. */
export function requireKind({ name, features, labels, table }: ArrayDataset, schema: DataSchema): void {
  if (schema.table !== undefined && JSON.stringify(table) !== JSON.stringify(schema.table)) {
    // columns of numbers as they are can come from anywhere
    if (table !== undefined || !isPlain(schema.table)) throw otherColumns(name, schema, schema.table);
  }
  const text = (dtype: string, shape: readonly number[]) => `${dtype}[${shape.join(", ")}]`;
  const given = text(features.dtype, features.shape.slice(1));
  const wanted = text(schema.features.dtype, schema.features.shape);
  if (given !== wanted) throw otherKind("features", name, given, wanted, schema.name);
  // a label may be stored in more bytes than it needs
  const [labelled, wantedLabels] = [labels.shape.slice(1), schema.labels.shape].map((shape) => text("integer", shape));
  const isNumber = (dtype: string) => dtype === "float";
  if (isNumber(labels.dtype) !== isNumber(schema.labels.dtype) || labelled !== wantedLabels) {
    const expected = text(schema.labels.dtype, schema.labels.shape);
    throw otherKind("labels", name, text(labels.dtype, labels.shape.slice(1)), expected, schema.name);
  }
}

/** Whether features are the numbers of a table as they are. */
function isPlain({ columns, target }: TableEncoding): boolean {
  const isNumber = (column: TableEncoding["columns"][number]) =>
    column.kind === "number" && column.mean === undefined && column.fill === undefined;
  return target === undefined && columns.every(isNumber);
}

function otherColumns(name: string, schema: DataSchema, table: TableEncoding): AnabranchError {
  return new AnabranchError({
    code: "data/schema",
    message: "the columns of this client's examples were not encoded as the run encodes them",
    where: `data set ${name}`,
    received: "examples that do not come from a table of these columns",
    expected: `${featureNames(table).slice(0, 20).join(", ")}, as in ${schema.name}`,
    advice: "Name this client's table with --data csv:PATH?label=COLUMN or parquet:PATH?label=COLUMN.",
  });
}

/** The run's number for each own number; undefined where they are the same, or one side has no names. */
function numbersOf(
  what: "class-names" | "vocabulary",
  own: readonly string[] | undefined,
  wanted: readonly string[] | undefined,
  dataset: string,
): Int32Array | undefined {
  if (own === undefined || wanted === undefined) return undefined;
  const numbers = new Map(wanted.map((name, number) => [name, number]));
  const unknown = own.filter((name) => !numbers.has(name));
  if (unknown.length > 0) throw unknownNames(what, unknown, wanted, dataset);
  return Int32Array.from(own, (name) => numbers.get(name)!);
}

function renumbered(tensor: HostTensor, numbers: Int32Array): HostTensor {
  const wide = tensor.data instanceof Int32Array || numbers.some((number) => number > 255);
  const data = wide ? new Int32Array(tensor.data.length) : new Uint8Array(tensor.data.length);
  for (let i = 0; i < data.length; i++) data[i] = numbers[tensor.data[i]!]!;
  return { dtype: wide ? "int32" : "uint8", shape: tensor.shape, data };
}

function otherKind(part: string, dataset: string, received: string, expected: string, run: string): AnabranchError {
  return new AnabranchError({
    code: "data/schema",
    message: `the ${part} of this client's examples are of another kind than those of the run`,
    where: `data set ${dataset}`,
    received,
    expected: `${expected}, as in ${run}`,
    advice: "Choose other columns or files, or ask the operator what the run trains on.",
  });
}

function unknownNames(
  what: "class-names" | "vocabulary",
  unknown: readonly string[],
  wanted: readonly string[],
  dataset: string,
): AnabranchError {
  const shown = (names: readonly string[]) =>
    `${names
      .slice(0, 12)
      .map((name) => JSON.stringify(name))
      .join(", ")}${names.length > 12 ? ", ..." : ""}`;
  return new AnabranchError({
    code: `data/${what}`,
    message: `this client has ${what === "vocabulary" ? "characters" : "classes"} that the run does not have`,
    where: `data set ${dataset}`,
    received: shown(unknown),
    expected: shown(wanted),
    advice:
      what === "vocabulary"
        ? "Replace or remove these characters in the text."
        : "Rename the classes in the file as the run names them, or leave these examples out.",
  });
}

function tooManyClasses({ name, classes }: ArrayDataset, schema: DataSchema): AnabranchError {
  return new AnabranchError({
    code: "data/class-names",
    message: "this client has more classes than the run",
    where: `data set ${name}`,
    received: String(classes),
    expected: `at most ${schema.classes}, numbered as in ${schema.name}`,
    advice: "Ask the operator how the run numbers its classes.",
  });
}
