import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { AnabranchError, type Config, parseConfig } from "@anabranch/core";
import { withAbsolutePaths } from "../run/config-paths.ts";
import { hasCode } from "../store/file-system.ts";

/** What the command line adds to a configuration. */
export interface ConfigAdditions {
  /** Assignments of --set. */
  readonly set: readonly string[];
  /** Folder of --data-dir. */
  readonly dataDir: string | undefined;
}

/**
 * Reads and checks a configuration. Paths in it are relative to its folder, those of the command line to the working
 * directory. They become absolute, so that the run can be resumed from anywhere.
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
      message: "the configuration file does not exist",
      where: file,
      advice: `Write one with: anabranch new ${file}`,
      cause: error,
    });
  }
  return ({ set, dataDir }) => {
    const folderOf = (key: string) => (isAssigned(key, set) ? "." : dirname(file));
    return withAbsolutePaths(parseConfig(text, file, set), { folderOf, dataDir });
  };
}

/** Whether --set gives a key its value, by itself or with its whole table. */
function isAssigned(key: string, set: readonly string[]): boolean {
  const assigned = set.map((assignment) => assignment.split("=")[0]!.trim());
  return assigned.some((path) => path === key || key.startsWith(`${path}.`));
}

function unreadable(file: string, cause: unknown): AnabranchError {
  return new AnabranchError({
    code: "config/unreadable",
    message: "the configuration file cannot be read",
    where: file,
    received: cause instanceof Error ? cause.message : String(cause),
    expected: "a TOML file that you may read",
    cause,
  });
}
