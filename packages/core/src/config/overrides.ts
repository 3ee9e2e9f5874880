import { AnabranchError } from "@anabranch/engine";
import { parse } from "smol-toml";
import { show } from "./expectation.ts";

/** Tables of a configuration before they are checked. */
export type RawConfig = Readonly<Record<string, unknown>>;

/**
 * A copy of `raw` with assignments of the form "key.path=value" applied in order. Values are read as TOML (0.05, true,
 * "text", [1, 2]) and as a plain text where they are not TOML; an empty value removes the key. Throws `config/override`.
 *
 * @example
 * ```ts
 * import { applyOverrides } from "@anabranch/core";
 * const raw = applyOverrides({ rounds: 5 }, ["training.learningRate=0.1"]);
 * raw["training"]; // => { learningRate: 0.1 }
 * ```
 */
export function applyOverrides(raw: RawConfig, assignments: readonly string[]): RawConfig {
  return assignments.reduce((config, assignment) => {
    const equals = assignment.indexOf("=");
    const path = assignment.slice(0, Math.max(equals, 0)).trim().split(".");
    if (equals < 0 || !path.every((key) => /^[\w+-]+$/.test(key) && key !== "__proto__")) throw malformed(assignment);
    return assign(config, path, readValue(assignment.slice(equals + 1).trim()), assignment);
  }, raw);
}

function assign(table: RawConfig, path: readonly string[], value: unknown, assignment: string): RawConfig {
  const [key, ...rest] = path;
  const { [key!]: current, ...others } = table;
  if (rest.length === 0) return value === undefined ? others : { ...table, [key!]: value };
  if (current !== undefined && (typeof current !== "object" || current === null || Array.isArray(current))) {
    throw new AnabranchError({
      code: "config/override",
      message: "an override addresses a key inside a value that is not a table",
      where: `--set ${assignment}`,
      received: `${key} = ${show(current)}`,
      expected: "a table such as training",
    });
  }
  return { ...table, [key!]: assign((current ?? {}) as RawConfig, rest, value, assignment) };
}

function readValue(text: string): unknown {
  if (text === "") return undefined;
  try {
    const parsed = parse(`value = ${text}`);
    // More than one key means that the text held line breaks of its own.
    return Object.keys(parsed).length === 1 ? parsed.value : text;
  } catch {
    return text;
  }
}

function malformed(assignment: string): AnabranchError {
  return new AnabranchError({
    code: "config/override",
    message: "an override is not an assignment",
    where: `--set ${assignment}`,
    received: show(assignment),
    expected: "key.path=value",
    advice: "For example: --set training.learningRate=0.1",
  });
}
