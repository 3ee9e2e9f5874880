import { AnabranchError } from "@anabranch/engine";
import type * as z from "zod";
import { nearest } from "../text/nearest.ts";
import { expectation, show } from "./expectation.ts";
import { configFields, fieldAt } from "./fields.ts";

/** The place of a key path for error messages, e.g. "run.toml:12, training.learningRate". */
export type Locate = (path: readonly PropertyKey[]) => string;

/** The error for what a schema found wrong: the first finding in full, the places of the others. */
export function issueError(
  issues: readonly z.core.$ZodIssue[],
  input: unknown,
  locate: Locate,
  keysOf: (path: readonly PropertyKey[]) => readonly string[],
  unknownAdvice = "",
): AnabranchError {
  const [first, ...rest] = issues;
  const also =
    rest.length === 0 ? "" : ` Also wrong: ${rest.map((issue) => issue.path.join(".") || "keys").join(", ")}.`;
  if (first!.code === "unrecognized_keys")
    return unknownKey(first!, input, locate, keysOf(first!.path), also, unknownAdvice);
  const value = valueAt(input, first!.path);
  const advice = [suggestValue(first!, value), describe(first!.path)].filter((text) => text !== "").join(" ");
  return new AnabranchError({
    code: "config/invalid",
    message: "invalid configuration value",
    where: locate(first!.path),
    received: show(value),
    expected: expectation(first!),
    ...adviceOf(advice + also),
  });
}

/** The error for the name of a part that does not exist. */
export function unknownName(kind: string, name: string, known: readonly string[], where: string): AnabranchError {
  const near = nearest(name, known);
  return new AnabranchError({
    code: "config/unknown-name",
    message: `unknown ${kind}`,
    where,
    received: show(name),
    expected: `one of ${known.join(", ")}`,
    ...(near === undefined ? {} : { advice: `Did you mean "${near}"?` }),
  });
}

function unknownKey(
  issue: z.core.$ZodIssueUnrecognizedKeys,
  input: unknown,
  locate: Locate,
  known: readonly string[],
  also: string,
  otherwise: string,
): AnabranchError {
  const key = issue.keys[0]!;
  const path = [...issue.path, key];
  const near = nearest(key, known);
  const elsewhere = configFields.find((field) => field.path.at(-1) === key);
  const prefix = issue.path.length === 0 ? "" : `${issue.path.join(".")}.`;
  let advice = otherwise;
  if (near !== undefined) advice = `Did you mean "${prefix}${near}"?`;
  else if (elsewhere !== undefined) advice = `Did you mean "${elsewhere.path.join(".")}"?`;
  return new AnabranchError({
    code: "config/unknown-key",
    message: "unknown configuration key",
    where: locate(path),
    received: show(valueAt(input, path)),
    expected: known.length === 0 ? "no keys" : `one of ${known.join(", ")}`,
    ...adviceOf(advice + also),
  });
}

function adviceOf(text: string): { advice?: string } {
  return text === "" ? {} : { advice: text.trim() };
}

function suggestValue(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code !== "invalid_value" || typeof value !== "string") return "";
  const near = nearest(value, issue.values.map(String));
  return near === undefined ? "" : `Did you mean "${near}"?`;
}

function describe(path: readonly PropertyKey[]): string {
  const field = fieldAt(path);
  if (field === undefined) return "";
  const normally = field.defaultValue === undefined ? "" : ` (default ${show(field.defaultValue)})`;
  return `Meaning: ${field.description}${normally}.`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}
