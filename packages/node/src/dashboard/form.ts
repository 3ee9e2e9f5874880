import { algorithms, attacks, configSchema, modelOptions, partitioners } from "@anabranch/core";
import * as z from "zod";
import { listDatasets } from "../data/load-dataset.ts";
import { fileKeys } from "./check-config.ts";
import { type FormField, tableOf, tableOfJson } from "./form-fields.ts";

/** A section of the configuration in the form. */
export interface FormSection {
  /** Key path; empty: the keys of the run itself. */
  readonly path: string;
  readonly description: string;
  readonly fields: readonly FormField[];
  /** Options of a named part: further fields, by the value of one of `fields`. */
  readonly options: { readonly by: string; readonly of: Readonly<Record<string, readonly FormField[]>> } | null;
}

/** The named parts, with the schema of each one's options. */
const parts: Readonly<Record<string, Readonly<Record<string, z.ZodType>>>> = {
  "data.partition.scheme": optionsOf(Object.entries(partitioners).map(([name, { options }]) => [name, options])),
  "model.name": optionsOf(Object.entries(modelOptions)),
  "attack.name": optionsOf([
    ["none", z.strictObject({})],
    ...Object.entries(attacks).map(([name, { options }]): [string, z.ZodType] => [name, options]),
  ]),
  "algorithm.name": optionsOf(algorithms.map(({ name, options }) => [name, options])),
};

/** Options of models that follow from the data. */
const ofData = new Set(["input", "inputType", "labelType", "classes"]);

/** Keys that name files, and keys on how these are read. */
const ofFiles = [...fileKeys, ...["Layout", "Match", "Names"].map((key) => `model.initialWeights${key}`)];

/** All sections of a configuration, from its schema and from those of the named parts. Keys of files are left out. */
export function configForm(): readonly FormSection[] {
  return sectionsOf(tableOf(configSchema, ""), "");
}

function sectionsOf(table: ReturnType<typeof tableOf>, path: string): FormSection[] {
  const fields = table.fields.filter((field) => !ofFiles.includes(field.path)).map(withNames);
  const by = fields.find((field) => field.path in parts)?.path;
  const options = by === undefined ? null : { by, of: optionFields(parts[by]!, path) };
  const inner = table.tables.flatMap(([key, schema]) => {
    const place = path === "" ? key : `${path}.${key}`;
    return ofFiles.includes(place) ? [] : sectionsOf(tableOfJson(schema, place), place);
  });
  return [{ path, description: table.description, fields, options }, ...inner];
}

/** A name is chosen among those that there are. */
function withNames(field: FormField): FormField {
  const names = field.path === "data.dataset" ? datasetNames() : Object.keys(parts[field.path] ?? {});
  return names.length === 0 ? field : { ...field, kind: "choice", choices: names };
}

/** Own files have no name. */
export function datasetNames(): string[] {
  const named = listDatasets().map(({ name }) => name);
  return [...named.filter((name) => !name.includes(":")), "synthetic"];
}

function optionFields(of: Readonly<Record<string, z.ZodType>>, path: string) {
  const fields = Object.entries(of).map(([name, schema]) => {
    const options = tableOf(schema, path).fields;
    return [name, path === "model" ? options.filter((field) => !ofData.has(lastKey(field.path))) : options] as const;
  });
  return Object.fromEntries(fields);
}

function lastKey(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}

function optionsOf(entries: readonly (readonly [string, z.ZodType])[]): Readonly<Record<string, z.ZodType>> {
  return Object.fromEntries(entries);
}
