import { AnabranchError } from "@anabranch/engine";
import { parse, TomlError } from "smol-toml";
import type { Locate } from "./issues.ts";
import { applyOverrides, type RawConfig } from "./overrides.ts";
import { resolveConfig } from "./resolve.ts";
import type { Config, ConfigInput } from "./schema.ts";
import { lineOf } from "./toml-lines.ts";

/**
 * Reads a configuration. `where` is the file's name in errors, which also give the line; `overrides` are assignments of
 * the command line such as "training.learningRate=0.1". Throws `config/syntax`, and what `applyOverrides` and
 * `resolveConfig` throw.
 *
 * @example
 * ```ts
 * import { parseConfig } from "@anabranch/core";
 * const config = parseConfig("rounds = 5\n[sampler]\ncohort = 3\n", "run.toml", ["seed=2"]);
 * [config.rounds, config.sampler.cohort, config.seed]; // => [5, 3, 2]
 * ```
 */
export function parseConfig(text: string, where: string, overrides: readonly string[] = []): Config {
  const raw = parseToml(text, where);
  const overridden = applyOverrides(raw, overrides);
  const locate: Locate = (path) => {
    const key = path.join(".");
    if (overrides.some((assignment) => assignment.split("=")[0]?.trim() === key)) return `--set ${key}`;
    const line = lineOf(text, path.map(String));
    return line === undefined ? `${where}, ${key}` : `${where}:${line}, ${key}`;
  };
  return resolveConfig(overridden as ConfigInput, locate);
}

/** Characters of a configuration. The longest in this repository has 2,000. */
const MAX_LENGTH = 2 ** 20;
/** Tables inside tables, which dotted keys make too. A configuration has 3. */
const MAX_DEPTH = 32;

/**
 * The tables of a TOML text, unchecked. Throws `config/syntax` with line and column, `config/too-large`.
 *
 * @example
 * ```ts
 * import { parseToml } from "@anabranch/core";
 * parseToml("rounds = 5", "run.toml"); // => { rounds: 5 }
 * ```
 */
export function parseToml(text: string, where: string): RawConfig {
  if (text.length > MAX_LENGTH) {
    throw tooLarge(where, `${text.length} characters`, `at most ${MAX_LENGTH}`);
  }
  const raw = parseText(text, where);
  if (isDeeperThan(raw, MAX_DEPTH)) {
    throw tooLarge(where, "tables nested deeper than any configuration", `at most ${MAX_DEPTH} levels`);
  }
  return raw;
}

/** Level by level, as recursion would overflow on what it looks for. */
function isDeeperThan(value: unknown, depth: number): boolean {
  let level = [value];
  for (let i = 0; i <= depth && level.length > 0; i++) {
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
  return level.length > 0;
}

function tooLarge(where: string, received: string, expected: string): AnabranchError {
  return new AnabranchError({
    code: "config/too-large",
    message: "the file is not a configuration",
    where,
    received,
    expected,
    advice: "Check that this is the file you mean.",
  });
}

function parseText(text: string, where: string): RawConfig {
  try {
    // A byte order mark is what some editors put first.
    const options = { unsafeKeyBehaviour: "throw", maxDepth: MAX_DEPTH } as const;
    return parse(text.replace(/^\uFEFF/, ""), options) as RawConfig;
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const line = text.split(/\r?\n/)[cause.line - 1];
    throw new AnabranchError({
      code: "config/syntax",
      message: `the configuration is not valid TOML: ${cause.message.split("\n")[0]!.replace(/^Invalid TOML document: /, "")}`,
      where: `${where}:${cause.line}:${cause.column}`,
      ...(line === undefined ? {} : { received: line.trim().slice(0, 200) }),
      advice: 'Strings need quotes and tables need brackets: [training] and then schedule = "cosine".',
      cause,
    });
  }
}
