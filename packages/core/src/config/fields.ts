import * as z from "zod";
import { configSchema } from "./schema.ts";

/** One section or key of the configuration, for help texts, templates and errors. */
export interface ConfigField {
  /** Key path, e.g. ["training", "learningRate"]. */
  readonly path: readonly string[];
  readonly description: string;
  /** Undefined where there is none, and for sections. */
  readonly defaultValue: unknown;
  readonly section: boolean;
  /** Whether further keys are options of a named part (algorithm, model, partition). */
  readonly open: boolean;
}

/**
 * All sections and keys in the order of the schema.
 *
 * @example
 * ```ts
 * import { configFields } from "@anabranch/core";
 * configFields.find(({ path }) => path.join(".") === "sampler.cohort")!.defaultValue; // => 10
 * ```
 */
export const configFields: readonly ConfigField[] = fieldsOf(configSchema, []);

/** The field at a key path, or undefined. */
export function fieldAt(path: readonly PropertyKey[]): ConfigField | undefined {
  const key = path.join(".");
  return configFields.find((field) => field.path.join(".") === key);
}

function fieldsOf(schema: z.ZodObject, path: readonly string[]): ConfigField[] {
  return Object.entries(schema.shape).flatMap(([key, field]) => {
    const here = [...path, key];
    const { inner, defaultValue } = unwrap(field as z.ZodType);
    const section = inner instanceof z.ZodObject;
    const open = section && !(inner.def.catchall instanceof z.ZodNever);
    const description = (field as z.ZodType).description ?? "";
    const self = { path: here, description, defaultValue: section ? undefined : defaultValue, section, open };
    return section ? [self, ...fieldsOf(inner, here)] : [self];
  });
}

function unwrap(schema: z.ZodType): { inner: z.ZodType; defaultValue: unknown } {
  let inner = schema;
  let defaultValue: unknown;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    if (inner instanceof z.ZodDefault) defaultValue = inner.def.defaultValue;
    inner = inner.unwrap() as z.ZodType;
  }
  return { inner, defaultValue };
}
