import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { AnabranchError, type Config, parseConfig } from "@anabranch/core";
import { hasCode } from "../store/file-system.ts";

/** What the command line adds to a configuration. */
export interface ConfigAdditions {
  /** Assignments of --set. */
  readonly set: readonly string[];
  /** Folder of --data-dir. */
  readonly dataDir: string | undefined;
}

/**
 * Reads and checks a configuration. Paths of own files are relative to its folder and become absolute, so that the run
 * can be resumed from anywhere.
 *
 * @throws `config/not-found`, `config/unreadable`, and what `parseConfig` throws
 */
export async function readConfigFile(file: string, additions: ConfigAdditions): Promise<Config> {
  const resolve = await openConfigFile(file);
  return resolve(additions);
}

/**
 * Reads a configuration file that is to be resolved with several sets of additions. What is given back throws what
 * `parseConfig` throws.
 *
 * @throws `config/not-found`, `config/unreadable`
 */
export async function openConfigFile(file: string): Promise<(additions: ConfigAdditions) => Config> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ENOTDIR")) throw unreadable(file, error);
    throw new AnabranchError({
      code: "config/not-found",
      message: "there is no such configuration file",
      where: file,
      advice: `Write one with: anabranch new ${file}`,
      cause: error,
    });
  }
  return ({ set, dataDir }) => withAbsolutePaths(parseConfig(text, file, set), dirname(file), dataDir);
}

function withAbsolutePaths(config: Config, base: string, givenDataDir: string | undefined): Config {
  const absolute = <Key extends string>(key: Key, path: string | undefined, from = base) =>
    (path === undefined ? {} : { [key]: resolve(from, path) }) as { [K in Key]?: string };
  const { data, model, algorithm } = config;
  const dataDir =
    givenDataDir === undefined ? absolute("dataDir", data.dataDir) : absolute("dataDir", givenDataDir, ".");
  return {
    ...config,
    data: { ...data, ...absolute("file", data.file), ...dataDir },
    model: { ...model, ...absolute("file", model.file), ...absolute("initialWeights", model.initialWeights) },
    algorithm: { ...algorithm, ...absolute("file", algorithm.file) },
  };
}

function unreadable(file: string, cause: unknown): AnabranchError {
  return new AnabranchError({
    code: "config/unreadable",
    message: "the configuration file cannot be read",
    where: file,
    received: cause instanceof Error ? cause.message : String(cause),
    expected: "a TOML file that this user may read",
    cause,
  });
}
