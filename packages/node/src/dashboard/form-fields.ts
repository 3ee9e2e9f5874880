import * as z from "zod";

/** One value of a configuration in a form. */
export interface FormField {
  /** Key path, e.g. "training.learningRate". */
  readonly path: string;
  readonly description: string;
  /** "number" also takes a word where the schema does, such as "auto"; "list": numbers. */
  readonly kind: "text" | "number" | "list" | "flag" | "choice";
  /** Of a choice. */
  readonly choices: readonly string[];
  /** The default; null where the key may be left out or must be given. */
  readonly initial: unknown;
  readonly required: boolean;
}

/** What a form needs of JSON Schema. */
const jsonSchema = z.object({
  description: z.string().default(""),
  type: z.string().optional(),
  enum: z.array(z.string()).default([]),
  default: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).default({}),
  required: z.array(z.string()).default([]),
});

/** A table of a schema: its values, and the tables in it. */
export interface FormTable {
  readonly description: string;
  readonly fields: readonly FormField[];
  readonly tables: readonly (readonly [key: string, schema: unknown])[];
}

/** @param schema of zod, as it is read from a file */
export function tableOf(schema: z.ZodType, path: string): FormTable {
  return tableOfJson(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }), path);
}

/** The same of a JSON schema. */
export function tableOfJson(schema: unknown, path: string): FormTable {
  const { description, properties, required } = jsonSchema.parse(schema);
  const entries = Object.entries(properties).map(([key, value]) => ({ key, value, parsed: jsonSchema.parse(value) }));
  return {
    description,
    fields: entries
      .filter(({ parsed }) => parsed.type !== "object")
      .map(({ key, parsed }) => ({
        path: path === "" ? key : `${path}.${key}`,
        description: parsed.description,
        kind: kindOf(parsed),
        choices: parsed.enum,
        initial: parsed.default ?? null,
        required: required.includes(key),
      })),
    tables: entries.filter(({ parsed }) => parsed.type === "object").map(({ key, value }) => [key, value] as const),
  };
}

function kindOf({ type, enum: choices }: z.infer<typeof jsonSchema>): FormField["kind"] {
  if (choices.length > 0) return "choice";
  if (type === "boolean") return "flag";
  if (type === "array") return "list";
  return type === "string" ? "text" : "number";
}
