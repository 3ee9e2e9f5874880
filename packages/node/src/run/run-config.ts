import { AnabranchError, type Config, parseConfig } from "@anabranch/core";
import { largestConfig, openRunFolder, type RunFolder } from "../store/run-folder.ts";
import { readingError } from "../store/storage-error.ts";

/**
 * The configuration that a run was started with.
 *
 * @throws `run/not-found`, `run/no-config`, `store/not-readable`, `store/link`, `store/not-a-file`, `store/too-large`, and
 *   what `parseConfig` throws
 */
export async function readRunConfig(runFolder: string): Promise<Config> {
  const run = await openRunFolder(runFolder);
  return parseConfig(await readText(run), run.paths.config);
}

async function readText({ folder, files, paths }: RunFolder): Promise<string> {
  const bytes = await files.read(paths.config, largestConfig).catch((error: unknown) => {
    throw readingError(error, { what: "the configuration of the run", path: paths.config });
  });
  if (bytes !== undefined) return Buffer.from(bytes).toString("utf8");
  throw new AnabranchError({
    code: "run/no-config",
    message: "the configuration of the run is missing",
    where: folder,
    expected: "config.toml, as the run was started with",
    advice: "Restore it from a copy; a run cannot continue without it.",
  });
}
