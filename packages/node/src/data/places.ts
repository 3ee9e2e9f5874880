import { stat } from "node:fs/promises";
import { basename, isAbsolute, join, resolve } from "node:path";
import { AnabranchError } from "@anabranch/engine";
import { userCacheFolder } from "../cache-folder.ts";

/** Where data may lie. */
export interface DataPlaces {
  /** Folder with data sets, as given by the user (--data-dir); comes before all others. */
  readonly dataDir?: string | undefined;
  /** What relative paths of files start from; default: the working directory. */
  readonly base?: string | undefined;
  /** Folder of downloads; default: `anabranch` in the user's cache folder. */
  readonly cacheDir?: string | undefined;
  /** Default: `process.env`. `ANABRANCH_DATA` names a folder with data sets. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * The folder of downloads.
 *
 * @example
 * ```ts
 * import { cacheFolder } from "@anabranch/node";
 * cacheFolder({ cacheDir: "/tmp/cache" }).endsWith("cache"); // => true
 * ```
 */
export function cacheFolder(places: DataPlaces): string {
  const { cacheDir, environment = process.env } = places;
  if (cacheDir !== undefined) return resolve(cacheDir);
  return userCacheFolder(environment);
}

/**
 * Folders that may hold a named data set, first the ones that the user named. Each of dataDir and ANABRANCH_DATA may
 * hold a folder of the data set's name or be that folder itself, unless it bears the name of another data set.
 *
 * @param names names that the folder may have, the data set's own first
 * @param others names of the other data sets
 * @param system folders of packages of the system
 */
export function candidateFolders(
  places: DataPlaces,
  names: readonly string[],
  others: readonly string[],
  system: readonly string[],
): string[] {
  const { dataDir, environment = process.env } = places;
  const given = [dataDir, environment.ANABRANCH_DATA].filter((folder) => folder !== undefined && folder !== "");
  const folders = given.flatMap((folder) => {
    const path = resolve(folder!);
    const inside = names.map((name) => join(path, name));
    return others.includes(basename(path)) ? inside : [...inside, path];
  });
  return [...folders, join(cacheFolder(places), names[0]!), ...system];
}

/**
 * The path of a file or folder that the user named.
 *
 * @throws `data/not-found`
 */
export async function findPath(places: DataPlaces, path: string, dataset: string): Promise<string> {
  const starts = [places.base ?? ".", places.dataDir].filter((folder) => folder !== undefined);
  const candidates = isAbsolute(path) ? [path] : starts.map((folder) => resolve(folder, path));
  for (const candidate of candidates) if (path !== "" && (await exists(candidate))) return candidate;
  const advice = "Check the path. In a configuration file it is relative to that file, else to the working directory.";
  throw notFound(dataset, candidates, advice);
}

export function notFound(dataset: string, looked: readonly string[], advice: string): AnabranchError {
  return new AnabranchError({
    code: "data/not-found",
    message: "the data set is not on this machine",
    where: `data set ${dataset}`,
    expected: `it in one of: ${[...new Set(looked)].join(", ")}`,
    advice,
  });
}

export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
