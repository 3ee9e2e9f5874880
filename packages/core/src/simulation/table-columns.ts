import { hashText } from "@anabranch/engine";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { isUsualTable } from "../config/table-schema.ts";
import {
  type FederatedDataset,
  type Partition,
  standardizeTable,
  type TableEncoding,
  withStatistics,
} from "../data/index.ts";
import { TARGET } from "../data/tables/standardize.ts";

/**
 * The data with the columns of a table as configured: standardised by statistics that are given or pooled over the training
 * examples of the clients. Data that are no table stay as they are. Throws `config/conflict` for options of tables without
 * one, and where a private run would use what nobody has noised.
 */
export function withTable(config: Config, dataset: FederatedDataset, training: Partition): FederatedDataset {
  const { table } = config.data;
  const { train, test } = dataset;
  const encoding = train.table;
  if (encoding === undefined) {
    requireNoTable(config, dataset.name);
    return dataset;
  }
  requireNames(config, encoding);
  if (config.privacy.mechanism !== "none") requirePublic(config, encoding);
  if (!table.standardize) return dataset;
  const found = withStatistics(train, encoding, training, table.statistics);
  return {
    ...dataset,
    train: standardizeTable(train, found),
    test: standardizeTable(test, found),
    hash: hashText(`${dataset.hash}\n${JSON.stringify(found)}`),
  };
}

/** Refuses options of tables with data that are none. Throws `config/conflict`. */
export function requireNoTable({ data }: Config, name: string): void {
  if (!isUsualTable(data.table)) throw noTable(name);
}

/** Columns that the configuration names have to be there, and of the right kind. */
function requireNames({ data: { table } }: Config, encoding: TableEncoding): void {
  const names = Object.keys(table.statistics);
  if (names.length > 0 && !table.standardize) {
    throw conflict(
      "data.table.statistics",
      `statistics of ${names.join(", ")}, with data.table.standardize = false`,
      "data.table.standardize = true",
      "Set data.table.standardize = true, or remove the statistics.",
    );
  }
  const numeric = numericNames(table, encoding);
  const unknown = names.find((name) => !numeric.includes(name));
  if (unknown === undefined) return;
  throw conflict(
    `data.table.statistics.${unknown}`,
    `statistics of ${JSON.stringify(unknown)}`,
    `numeric columns: ${numeric.join(", ") || "none"}`,
    "Statistics are of numeric columns alone. Check the name.",
  );
}

/**
 * Statistics and categories that are found in the clients' examples tell of them, and epsilon covers the updates alone. So a
 * private run takes them from the configuration, as public constants.
 */
function requirePublic({ data: { table } }: Config, encoding: TableEncoding): void {
  const why = "They would be found in the clients' examples and released without noise, which epsilon does not cover.";
  const refuse = (key: string, received: string, expected: string, what: string): never => {
    throw conflict(`data.table.${key}`, `${received}, with [privacy]`, expected, `${why} ${what}`);
  };
  if (table.standardize) {
    const missing = numericNames(table, encoding).filter((name) => !Object.hasOwn(table.statistics, name));
    if (missing.length > 0) {
      const example = `data.table.statistics = { ${JSON.stringify(missing[0])} = [MEAN, DEVIATION] }`;
      const expected = `public statistics of all numeric columns, also of ${missing.join(", ")}`;
      refuse("standardize", "true", expected, `Give public constants: ${example}.`);
    }
  }
  if (typeof table.missing === "string" && table.missing !== "refuse") {
    refuse("missing", JSON.stringify(table.missing), '"refuse" or a number', "Fill in a public number, e.g. 0.");
  }
  if (table.missingIndicator) refuse("missingIndicator", "true", "false", "Set it to false.");
  const open = encoding.columns.filter((column) => column.kind === "category" && !(column.name in table.categories));
  if (open.length > 0) {
    const names = open.map(({ name }) => name).join(", ");
    const example = `data.table.categories = { ${JSON.stringify(open[0]!.name)} = ["FIRST", "SECOND"] }`;
    refuse(
      "categories",
      `no categories of ${names}`,
      "public categories of all columns of text",
      `Give them: ${example}.`,
    );
  }
}

/** Columns that are standardised, and the target where it is a number. */
function numericNames({ target }: Config["data"]["table"], { columns }: TableEncoding): string[] {
  const names = columns.filter(({ kind }) => kind === "number").map(({ name }) => name);
  return target === "number" ? [...names, TARGET] : names;
}

function noTable(name: string) {
  return conflict(
    "data.table",
    `options of columns, with the data set ${name}, which is not a table`,
    'a table, e.g. data.dataset = "csv:PATH?label=COLUMN"',
    "Remove [data.table]. Models scale images themselves (model.mean and model.std).",
  );
}
