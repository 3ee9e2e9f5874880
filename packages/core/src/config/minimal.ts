import { stringify } from "smol-toml";
import { configFields } from "./fields.ts";
import { parseToml } from "./toml.ts";

/** Keys that stay at their defaults, too: a configuration says what it trains, on what. */
const ALWAYS = ["name", "data.dataset", "data.partition.scheme", "model.name", "algorithm.name"];

/**
 * A configuration without comments and without keys whose value is the default. It describes the same run.
 *
 * @param text TOML
 * @param where name of the file in errors
 * @throws `config/syntax`, `config/too-large`
 * @example
 * ```ts
 * import { minimalToml } from "@anabranch/core";
 * minimalToml("rounds = 3\n[training]\nmomentum = 0 # off\n", "a.toml"); // => "rounds = 3\n"
 * ```
 */
export function minimalToml(text: string, where: string): string {
  return `${stringify(changed(parseToml(text, where), [])).trimEnd()}\n`;
}

function changed(table: Readonly<Record<string, unknown>>, path: readonly string[]): Record<string, unknown> {
  const entries = Object.entries(table).flatMap(([key, value]): [string, unknown][] => {
    const here = [...path, key];
    if (isTable(value)) {
      const inner = changed(value, here);
      return Object.keys(inner).length === 0 ? [] : [[key, inner]];
    }
    const name = here.join(".");
    return !ALWAYS.includes(name) && isDefault(name, value) ? [] : [[key, value]];
  });
  return Object.fromEntries(entries);
}

function isDefault(path: string, value: unknown): boolean {
  const field = configFields.find((known) => known.path.join(".") === path);
  return field?.defaultValue !== undefined && JSON.stringify(field.defaultValue) === JSON.stringify(value);
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
