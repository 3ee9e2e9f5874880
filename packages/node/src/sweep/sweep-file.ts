import { basename } from "node:path";
import { nearest, parseToml } from "@anabranch/core";
import type * as z from "zod";
import { requireConsistent } from "./consistency.ts";
import { type Problem, sweepError } from "./problems.ts";
import { knownKeys, sweepSchema } from "./sweep-schema.ts";
import type { SweepSpec, VariantSpec } from "./sweep-spec.ts";
import type { Grid, Value, Values } from "./values.ts";

export type { SweepSpec, TuneSpec, TuningMetric, VariantSpec } from "./sweep-spec.ts";

/**
 * Reads a sweep file. Throws `config/syntax` for what is no TOML, and one `config/sweep` for everything else that is
 * wrong with it.
 *
 * @param where the file's name, for errors and for the sweep's own name
 */
export function parseSweepFile(text: string, where: string): SweepSpec {
  const raw = parseToml(text, where);
  const result = sweepSchema.safeParse(raw);
  if (!result.success)
    throw sweepError(
      result.error.issues.flatMap((issue) => problemsOf(issue, raw)),
      where,
    );
  const { data } = result;
  const problems: Problem[] = [];
  const values = (table: object, place: string) =>
    leaves(table, place, isValue, "a string, number, boolean or list", problems);
  const lists = (table: object, place: string) =>
    leaves(table, place, isValueList, "a list of values, e.g. [0.1, 0.6]", problems);
  const grid = lists(data.grid, "grid") as Grid;
  const tune = data.tune && {
    ...data.tune,
    seed: data.tune.seed,
    rounds: data.tune.rounds,
    at: values(data.tune.at, "tune.at") as Values,
    grid: lists(data.tune.grid, "tune.grid") as Grid,
  };
  const variants = data.variants?.map((variant): VariantSpec => {
    const place = `variant "${variant.name}", `;
    const own = variant.tune && (lists(variant.tune, `${place}tune`) as Grid);
    return {
      name: variant.name,
      set: values(variant.set, `${place}set`) as Values,
      grid: { ...grid, ...(lists(variant.grid, `${place}grid`) as Grid) },
      tune: own ?? tune?.grid ?? {},
    };
  });
  const name = data.name ?? basename(where).replace(/\.toml$/i, "");
  const spec: SweepSpec = {
    name,
    base: data.base,
    seeds: data.seeds,
    set: values(data.set, "set") as Values,
    tune,
    variants,
    grid,
  };
  for (const problem of requireConsistent(spec)) problems.push(problem);
  if (problems.length > 0) throw sweepError(problems, where);
  return spec;
}

/** The leaves of nested tables by dotted key; what is not allowed goes to `problems`. */
function leaves(
  table: object,
  place: string,
  allowed: (value: unknown) => boolean,
  expected: string,
  problems: Problem[],
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const visit = (value: unknown, key: string) => {
    if (isTable(value))
      for (const [inner, below] of Object.entries(value)) visit(below, key === "" ? inner : `${key}.${inner}`);
    else if (allowed(value)) found[key] = value;
    else
      problems.push({
        message: "invalid value",
        where: `${place}.${key}`,
        received: show(value),
        expected,
      });
  };
  visit(table, "");
  return found;
}

function isTable(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function isValue(value: unknown): value is Value {
  return Array.isArray(value) ? value.every(isValue) : ["string", "number", "boolean"].includes(typeof value);
}

function isValueList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isValue);
}

function problemsOf(issue: z.core.$ZodIssue, raw: unknown): Problem[] {
  const where = placeOf(issue.path, raw);
  if (issue.code !== "unrecognized_keys") {
    const value = issue.path.reduce((table, key) => (table as Record<PropertyKey, unknown> | undefined)?.[key], raw);
    if (value === undefined) return [{ message: "missing key", where, expected: issue.message }];
    return [{ message: "invalid value", where, received: show(value), expected: issue.message }];
  }
  const known = knownKeys(issue.path);
  return issue.keys.map((key) => {
    const near = nearest(key, known);
    const advice =
      near === undefined ? "Keys of runs belong in [set], [grid] or a variant's set." : `Did you mean "${near}"?`;
    return { message: `unknown key "${key}"`, where, expected: `one of ${known.join(", ")}`, advice };
  });
}

/** `variant "fedsam", set` for ["variants", 1, "set"]. */
function placeOf(path: readonly PropertyKey[], raw: unknown): string {
  const [first, index, ...rest] = path.map(String);
  if (first !== "variants" || index === undefined) return path.join(".") || "the file";
  const name = (raw as { variants: { name?: unknown }[] }).variants[Number(index)]?.name;
  return [typeof name === "string" ? `variant "${name}"` : `variant ${Number(index) + 1}`, ...rest].join(", ");
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}
