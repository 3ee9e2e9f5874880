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

/** The tables of a TOML text, unchecked. Throws `config/syntax` with line and column. */
export function parseToml(text: string, where: string): RawConfig {
  try {
    // A byte order mark is what some editors put first.
    return parse(text.replace(/^\uFEFF/, ""), { unsafeKeyBehaviour: "throw" }) as RawConfig;
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const line = text.split(/\r?\n/)[cause.line - 1];
    throw new AnabranchError({
      code: "config/syntax",
      message: `the configuration is not valid TOML: ${cause.message.split("\n")[0]!.replace(/^Invalid TOML document: /, "")}`,
      where: `${where}:${cause.line}:${cause.column}`,
      ...(line === undefined ? {} : { received: line.trim() }),
      advice: 'Texts stand in quotes, tables in brackets: [training] and then schedule = "cosine".',
      cause,
    });
  }
}
