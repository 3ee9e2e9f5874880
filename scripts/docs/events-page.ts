import { EVENT_VERSION, runEventSchemas } from "@anabranch/core";
import * as z from "zod";
import { markdownTable } from "../../packages/node/src/docs/markdown-table.ts";
import { fieldComments } from "./field-comments.ts";
import { type JsonSchema, valuesText } from "./schema-text.ts";

const SOURCE = "packages/core/src/round/events.ts";
const ENVELOPE = ["v", "at", "type"];

/** The text of docs/events.schema.json: what a line of events.jsonl may be. */
export function eventsSchema(): string {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: `Anabranch event, version ${EVENT_VERSION}`,
    description: "One line of events.jsonl. Readers ignore fields that they do not know.",
    oneOf: eventSchemas(),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** The part of docs/events.md on the types of events. */
export function eventTables(): string {
  return eventSchemas()
    .flatMap(({ properties = {}, required = [], title }) => [
      `### ${title}`,
      "",
      ...markdownTable(
        ["field", "values", "meaning"],
        rowsOf({ properties, required }).filter(([name]) => !ENVELOPE.includes(name!.replaceAll("`", ""))),
      ),
      "",
    ])
    .join("\n")
    .trimEnd();
}

type EventSchema = JsonSchema & { readonly title: string };

function eventSchemas(): EventSchema[] {
  const comments = fieldComments(SOURCE);
  return runEventSchemas.map((schema) => {
    const type = schema.shape.type.value;
    const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", override: override }) as JsonSchema;
    const { $schema, ...body } = json as JsonSchema & { $schema?: string };
    return { title: type, ...described(body, "", comments.get(type) ?? new Map()) };
  });
}

/** Measured numbers are custom types, which have no JSON Schema of their own: a number, or null. */
function override({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: Record<string, unknown> }) {
  if ((zodSchema as { _zod: { def: { type: string } } })._zod.def.type === "custom") {
    jsonSchema["type"] = ["number", "null"];
  }
  // readers ignore unknown fields, and later versions add some
  if (jsonSchema["additionalProperties"] === false) delete jsonSchema["additionalProperties"];
}

function described(schema: JsonSchema, path: string, comments: ReadonlyMap<string, string>): JsonSchema {
  const description = comments.get(path);
  const properties = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const inner = path === "" ? key : `${path}.${key}`;
    return [key, described(value, inner, comments)] as const;
  });
  return {
    ...(description === undefined ? {} : { description }),
    ...schema,
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
  };
}

function rowsOf({ properties = {}, required = [] }: JsonSchema, prefix = ""): string[][] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const name = `\`${prefix}${key}${required.includes(key) ? "" : "?"}\``;
    return [[name, valuesText(schema), (schema.description ?? "").replace(/[<>*_[\]]/g, "\\$&")]];
  });
}
