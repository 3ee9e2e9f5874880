import type * as z from "zod";

/** A value as a message shows it, cut where it is long. */
export function show(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

const TYPES: Readonly<Record<string, string>> = {
  int: "an integer",
  number: "a number",
  string: "a quoted string",
  boolean: "true or false",
  object: "a table",
  array: "a list",
};

/** What a schema expected at the place of an issue, in words. */
export function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "too_small":
      return `${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${unit(issue.origin)}`;
    case "too_big":
      return `${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}${unit(issue.origin)}`;
    case "invalid_type":
      return TYPES[issue.expected] ?? issue.expected;
    case "invalid_value":
      return `one of ${issue.values.map((value) => show(value)).join(", ")}`;
    case "invalid_union":
      return issue.errors.map((branch) => branch.map(expectation).join(" and ")).join(", or ");
    default:
      return issue.message;
  }
}

function unit(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " elements" : "";
}
