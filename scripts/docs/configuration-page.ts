import { configFields, configSchema, modelOptions, partitioners } from "@anabranch/core";
import * as z from "zod";
import { markdownTable } from "../../packages/node/src/docs/markdown-table.ts";
import { code, type JsonSchema, valuesText } from "./schema-text.ts";
import { wrapped } from "./wrapped.ts";

/** Options that the data set gives, so that no configuration needs them. */
const FROM_DATA = ["input", "inputType", "labelType", "classes"];

/** The text of docs/configuration.md: every key, from the schema that checks configurations. */
export function configurationPage(): string {
  const schema = jsonSchema(configSchema);
  const sections = configFields.filter(({ section }) => section);
  const shared = Map.groupBy(Object.entries(modelOptions), ([, options]) => options);
  return [
    "# Configuration",
    "",
    "<!-- Written by `npm run docs:generate` from the schema of configurations. Change that, not this page. -->",
    "",
    "A configuration is a TOML file. Every key is optional. `anabranch new FILE` writes one with all",
    "keys, and `--set KEY=VALUE` replaces one for a single run, such as `--set data.clients=20`.",
    "Paths are relative to the file. Unknown keys are refused, and the error names the nearest one.",
    "",
    ...keyTable(schema, []),
    ...sections.flatMap(({ path, description }) => [
      "",
      `## [${path.join(".")}]`,
      "",
      ...wrapped(`${capital(description)}.`),
      "",
      ...keyTable(schemaAt(schema, path), path),
    ]),
    "",
    "## Options of partition schemes",
    "",
    "These keys go in `[data.partition]`, next to `scheme`.",
    ...Object.entries(partitioners).flatMap(([name, { summary, options }]) =>
      optionSection(name, jsonSchema(options), [], `${capital(summary)}.`),
    ),
    "",
    "## Options of models",
    "",
    "These keys go in `[model]`, next to `name`. The data set gives its shape, type and classes.",
    ...[...shared].flatMap(([options, models]) =>
      optionSection(models.map(([name]) => name).join(", "), jsonSchema(options), FROM_DATA),
    ),
    "",
    "## Options of methods",
    "",
    "These keys go in `[algorithm]`, next to `name`. [METHODS.md](../METHODS.md) lists them by method,",
    "and `anabranch methods NAME` prints them.",
    "",
  ].join("\n");
}

function jsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema;
}

function schemaAt(schema: JsonSchema, path: readonly string[]): JsonSchema {
  return path.reduce((at, key) => at.properties![key]!, schema);
}

/** The keys of a section, without the sections in it. */
function keyTable(schema: JsonSchema, path: readonly string[]): string[] {
  const fields = configFields.filter(({ section, path: of }) => !section && of.slice(0, -1).join() === path.join());
  const rows = fields.map(({ path: of, description, defaultValue }) => {
    const key = of.at(-1)!;
    const fallback = defaultValue === undefined ? "none" : code(defaultValue);
    return [`\`${key}\``, valuesText(schema.properties![key]!), fallback, escaped(description)];
  });
  return markdownTable(["key", "values", "default", "meaning"], rows);
}

function optionSection(
  title: string,
  { properties = {} }: JsonSchema,
  without: readonly string[],
  ...about: readonly string[]
): string[] {
  const keys = Object.entries(properties).filter(([key]) => !without.includes(key));
  const rows = keys.map(([key, schema]) => [
    `\`${key}\``,
    valuesText(schema),
    schema.default === undefined ? "none" : code(schema.default),
    escaped(schema.description ?? ""),
  ]);
  const head = ["", `### ${title}`, "", ...about.flatMap((text) => [...wrapped(text), ""])];
  return keys.length === 0 ? [...head, "No options."] : [...head, ...markdownTable(HEADS, rows)];
}

const HEADS = ["option", "values", "default", "meaning"];

function escaped(text: string): string {
  return text.replace(/[<>*_[\]]/g, "\\$&");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
