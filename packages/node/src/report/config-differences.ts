import { renderToml, resolveConfig } from "@anabranch/core";
import { parse } from "smol-toml";

/** In place of the value of a key that a configuration does not have. */
export const MISSING = "–";

/** One key path whose value is not the same in all configurations; `MISSING` where a configuration does not have it. */
export interface ConfigDifference {
  readonly key: string;
  readonly values: readonly string[];
}

/** The keys in which TOML configurations differ, sorted by key path; empty where one of them cannot be read. */
export function configDifferences(texts: readonly string[]): ConfigDifference[] {
  const tables: Map<string, string>[] = [];
  for (const text of texts) {
    const table = flatten(text);
    if (table === undefined) return [];
    tables.push(table);
  }
  const keys = [...new Set(tables.flatMap((table) => [...table.keys()]))].sort();
  return keys
    .map((key) => ({ key, values: tables.map((table) => table.get(key) ?? MISSING) }))
    .filter(({ values }) => new Set(values).size > 1);
}

/** Whether a configuration can be read as TOML. */
export function isReadable(text: string): boolean {
  return flatten(text) !== undefined;
}

/** The keys of a configuration whose values are not the defaults, with their values; empty where it cannot be read. */
export function changedKeys(text: string): (readonly [key: string, value: string])[] {
  const table = flatten(text);
  const defaults = flatten(renderToml(resolveConfig({})))!;
  return table === undefined ? [] : [...table].filter(([key, value]) => defaults.get(key) !== value);
}

function flatten(text: string): Map<string, string> | undefined {
  if (text.trim() === "") return undefined;
  const table = new Map<string, string>();
  const visit = (value: unknown, path: string) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)) {
      for (const [key, inner] of Object.entries(value)) visit(inner, path === "" ? key : `${path}.${key}`);
    } else table.set(path, typeof value === "bigint" ? String(value) : JSON.stringify(value));
  };
  try {
    visit(parse(text), "");
  } catch {
    return undefined;
  }
  return table;
}
