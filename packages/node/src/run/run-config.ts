import { readFile } from "node:fs/promises";
import { AnabranchError, type Config, parseConfig } from "@anabranch/core";
import { openRunFolder } from "../store/run-folder.ts";

/**
 * The configuration that a run was started with.
 *
 * @throws `run/not-found`, `run/no-config`, and what `parseConfig` throws
 */
export async function readRunConfig(runFolder: string): Promise<Config> {
  const { folder, paths } = await openRunFolder(runFolder);
  return parseConfig(await readConfig(folder, paths.config), paths.config);
}

async function readConfig(folder: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new AnabranchError({
      code: "run/no-config",
      message: "the configuration of the run cannot be read",
      where: folder,
      received: cause instanceof Error ? cause.message : String(cause),
      expected: "config.toml, as the run was started with",
      advice: "Put it back from a copy; a run cannot go on without it.",
      cause,
    });
  }
}
