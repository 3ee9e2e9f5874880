import { basename, dirname, extname, relative, resolve } from "node:path";
import {
  AnabranchError,
  type ColumnSummary,
  type CsvSummary,
  nearest,
  readerLimits,
  summarizeCsv,
} from "@anabranch/core";
import { readRegularFile } from "../../data/regular-file.ts";
import { nameOf } from "./run-name.ts";
import type { NewFiles, Template, TemplateRequest } from "./template.ts";

/** A federation with the rows of a CSV file, as its header and values suggest. */
export const csv: Template = {
  name: "csv",
  description: "rows of a CSV file, described by its header",
  async make({ source, file, label, group }: TemplateRequest): Promise<NewFiles> {
    if (source === undefined) throw noSource();
    const path = file ?? `${basename(source, extname(source))}.toml`;
    const table = summarizeCsv(await readRegularFile(source, readerLimits.fileBytes), source);
    if (table.rows < 10 || table.columns.length < 2) throw tooSmall(source, table);
    const columns = chooseColumns(table, source, label, group);
    const remark = `Predicts ${columns.label.name} from ${columns.features.map(({ name }) => name).join(", ")}.`;
    const dataset = datasetName(relative(resolve(dirname(path)), resolve(source)), table, columns);
    return {
      files: [{ path, text: configuration(path, table, columns, dataset) }],
      next: `anabranch run ${path}`,
      remarks: [remark],
    };
  },
};

/** What each column is for. */
interface Columns {
  readonly label: ColumnSummary;
  readonly group: ColumnSummary | undefined;
  readonly features: readonly ColumnSummary[];
  readonly unused: readonly ColumnSummary[];
}

const LABELS = /^(label|class|target|outcome|y)$/i;
const GROUPS = /^(client|owner|site|hospital|centre|center|device|user|group)([ _-]?id)?$/i;
const ROW_NUMBERS = /^(|id|index|row|unnamed: ?0)$/i;
/** Categories of a column of text that become features, and numbers of a label that are classes. */
const MOST_CATEGORIES = 50;
const MOST_NUMBERED_CLASSES = 20;
/** Rows that the owner of a group needs to be a client. */
const LEAST_ROWS = 10;

function chooseColumns({ columns }: CsvSummary, where: string, label?: string, group?: string): Columns {
  const named = (name: string) => columns.find((column) => column.name === name) ?? noColumn(name, columns, where);
  const target =
    label === undefined ? (columns.find(({ name }) => LABELS.test(name)) ?? columns.at(-1)!) : named(label);
  const owner =
    group === undefined
      ? columns.find((column) => column !== target && GROUPS.test(column.name) && ownersOf(column).length >= 2)
      : named(group);
  if (owner !== undefined && ownersOf(owner).length === 0) throw noOwners(where, owner);
  const others = columns.filter((column) => column !== target && column !== owner);
  const features = others.filter(isFeature);
  if (features.length === 0) throw noFeatures(where, others);
  return { label: target, group: owner, features, unused: others.filter((column) => !isFeature(column)) };
}

/** Numbers of rows and names are left out: a model would learn them by heart. */
function isFeature({ name, isNumeric, values }: ColumnSummary): boolean {
  return values.size > 1 && !ROW_NUMBERS.test(name) && (isNumeric || values.size <= MOST_CATEGORIES);
}

function ownersOf({ values }: ColumnSummary): string[] {
  return [...values].filter(([, rows]) => rows >= LEAST_ROWS).map(([owner]) => owner);
}

function datasetName(path: string, { delimiter }: CsvSummary, { label, group, features, unused }: Columns): string {
  const options = new URLSearchParams({ label: label.name });
  if (group !== undefined) options.set("group", group.name);
  if (unused.length > 0) options.set("features", features.map(({ name }) => name).join(","));
  if (delimiter !== ",") options.set("delimiter", delimiter);
  return `csv:${path.replaceAll("?", "%3F")}?${options}`;
}

function configuration(path: string, { rows }: CsvSummary, columns: Columns, dataset: string): string {
  const { label, group, features, unused } = columns;
  const isNumber = label.isNumeric && label.values.size > MOST_NUMBERED_CLASSES;
  const clients = group === undefined ? Math.max(2, Math.min(20, Math.floor(rows / 25))) : ownersOf(group).length;
  const hasGaps = features.some(({ missing }) => missing > 0);
  const list = (of: readonly ColumnSummary[]) => of.map(({ name }) => name).join(", ");
  return `# ${rows} rows of ${path.replace(/\.toml$/, "")}. Run it with: anabranch run ${path}
# Label: ${label.name} (${isNumber ? "a number" : `${label.values.size} classes`}). Features: ${list(features)}.
${unused.length === 0 ? "" : `# Not used: ${list(unused)}. To use them, add them to features in the name of the data set.\n`}name = ${JSON.stringify(nameOf(path))}
rounds = 30

[data]
dataset = ${JSON.stringify(dataset)}
clients = ${clients}

[data.partition]
${group === undefined ? 'scheme = "iid"' : `scheme = "natural"    # one client for each ${group.name} with at least ${LEAST_ROWS} rows\nminimumSize = 1`}

[data.table]
${isNumber ? 'target = "number"\n' : ""}standardize = true     # over the examples of all clients${hasGaps ? '\nmissing = "mean"       # fill in missing values' : ""}

[model]
${isNumber ? 'name = "linear"' : 'name = "mlp"\nhidden = [32]'}

[training]
localEpochs = 2
batchSize = 20
learningRate = ${isNumber ? 0.02 : 0.1}

[sampler]
cohort = ${Math.min(10, clients)}
`;
}

function noColumn(name: string, columns: readonly ColumnSummary[], where: string): never {
  const names = columns.map((column) => column.name);
  const near = nearest(name, names);
  throw new AnabranchError({
    code: "data/column",
    message: "a column is missing",
    where,
    received: names.join(", ").slice(0, 400),
    expected: `a column named ${JSON.stringify(name)}`,
    ...(near === undefined ? {} : { advice: `Did you mean ${JSON.stringify(near)}?` }),
  });
}

function noOwners(where: string, { name, values }: ColumnSummary): AnabranchError {
  return new AnabranchError({
    code: "data/empty",
    message: "no owner of rows has enough of them to be a client",
    where: `${where}, column ${name}`,
    received: `${values.size} owners, of whom the largest has ${Math.max(0, ...values.values())} rows`,
    expected: `an owner with at least ${LEAST_ROWS} rows`,
    advice: "Choose another column with --group, or leave --group out.",
  });
}

function noFeatures(where: string, others: readonly ColumnSummary[]): AnabranchError {
  return new AnabranchError({
    code: "data/empty",
    message: "a table has no column to predict from",
    where,
    received:
      others
        .map(({ name }) => name)
        .join(", ")
        .slice(0, 400) || "no other columns",
    expected: `numbers, or text with at most ${MOST_CATEGORIES} different values`,
    advice: "Choose the column to predict with --label.",
  });
}

function tooSmall(where: string, { rows, columns }: CsvSummary): AnabranchError {
  return new AnabranchError({
    code: "data/empty",
    message: "a table is too small to be divided among clients",
    where,
    received: `${rows} rows, ${columns.length} columns`,
    expected: "a header row, at least 10 rows and 2 columns",
  });
}

function noSource(): AnabranchError {
  return new AnabranchError({
    code: "usage/missing-argument",
    message: "no table given",
    expected: "the path of a CSV file",
    advice: "Write: anabranch new --template csv table.csv",
  });
}
