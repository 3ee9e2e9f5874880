import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "@anabranch/core";
import { mapDatasetPaths } from "../data/dataset-name.ts";

/** Keys of a configuration whose value is a path. */
const pathKeys: readonly string[] = [
  "data.file",
  "data.dataDir",
  "model.file",
  "model.initialWeights",
  "algorithm.file",
  "devices.trace",
  "topology.file",
];

/** What relative paths of a configuration start from. */
export interface PathStarts {
  /** The folder for a key such as "model.file". */
  folderOf(key: string): string;
  /** Folder of data sets that overrides data.dataDir; relative to the working directory. */
  readonly dataDir?: string | undefined;
}

/**
 * The configuration with absolute paths, so that its run can be resumed from anywhere: own files, weights, data folder,
 * and the files that data.dataset names. A file of data that is missing at its place is also looked for in the data
 * folder.
 *
 * @throws `data/unknown`, `data/option` for a name of a data set that cannot be read
 */
export function withAbsolutePaths(config: Config, { folderOf, dataDir: given }: PathStarts): Config {
  const { data, model, algorithm, devices, topology } = config;
  const absolute = (key: string, path: string | undefined, folder = folderOf(key)) =>
    path === undefined ? {} : { [key.slice(key.indexOf(".") + 1)]: resolve(folder, path) };
  const dataDir: { dataDir?: string } =
    given === undefined ? absolute("data.dataDir", data.dataDir) : absolute("data.dataDir", given, ".");
  const folders = [folderOf("data.dataset"), ...Object.values(dataDir)];
  const dataset = mapDatasetPaths(data.dataset, (path) => {
    const candidates = folders.map((folder) => resolve(folder, path));
    return candidates.find((candidate) => existsSync(candidate)) ?? candidates[0]!;
  });
  return {
    ...config,
    data: { ...data, dataset, ...absolute("data.file", data.file), ...dataDir },
    model: {
      ...model,
      ...absolute("model.file", model.file),
      ...absolute("model.initialWeights", model.initialWeights),
    },
    algorithm: { ...algorithm, ...absolute("algorithm.file", algorithm.file) },
    devices: { ...devices, ...absolute("devices.trace", devices.trace) },
    topology: { ...topology, ...absolute("topology.file", topology.file) },
  };
}

/** The value of a configuration's key with each path in it mapped; values of other keys stay as they are. */
export function mapPathValue<V>(key: string, value: V, map: (path: string) => string): V | string {
  if (typeof value !== "string" || value === "") return value;
  if (key === "data.dataset") return mapDatasetPaths(value, map);
  return pathKeys.includes(key) ? map(value) : value;
}
