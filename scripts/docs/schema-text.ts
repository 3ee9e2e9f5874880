/** A JSON Schema as far as the schemas here use it. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly required?: readonly string[];
}

/** What values a schema admits, in a few words of Markdown: "integer, at least 1", "`"a"` or `"b"`". */
export function valuesText(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(valuesText).join(", or ");
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(", ");
  if (Array.isArray(schema.type)) return schema.type.map((type) => (type === "null" ? "`null`" : type)).join(" or ");
  if (schema.type === "array") {
    if (schema.prefixItems !== undefined) return `list of ${schema.prefixItems.map(valuesText).join(", ")}`;
    return `list of ${valuesText(schema.items ?? {})}`;
  }
  if (schema.type === "object") return objectText(schema);
  return [schema.type ?? "any value", ...bounds(schema)].join(", ");
}

/** A value as TOML and JSON both write it. */
export function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}

function objectText({ properties, additionalProperties, required = [] }: JsonSchema): string {
  if (properties === undefined || Object.keys(properties).length === 0) {
    return typeof additionalProperties === "object" ? `map of ${valuesText(additionalProperties)}` : "object";
  }
  const names = Object.keys(properties).map((name) => `\`${name}${required.includes(name) ? "" : "?"}\``);
  return `object with ${names.join(", ")}`;
}

function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string[] {
  const unbounded = (limit: number | undefined) => limit === undefined || Math.abs(limit) >= Number.MAX_SAFE_INTEGER;
  return [
    ...(unbounded(minimum) ? [] : [`at least ${minimum}`]),
    ...(unbounded(exclusiveMinimum) ? [] : [`above ${exclusiveMinimum}`]),
    ...(unbounded(maximum) ? [] : [`at most ${maximum}`]),
    ...(unbounded(exclusiveMaximum) ? [] : [`below ${exclusiveMaximum}`]),
  ];
}
