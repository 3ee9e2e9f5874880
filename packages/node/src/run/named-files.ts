import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import type { Config } from "@anabranch/core";
import { parseDatasetPath } from "../data/dataset-name.ts";
import { withAbsolutePaths } from "./config-paths.ts";
import { type ModuleFingerprint, moduleFingerprint } from "./module-fingerprint.ts";

/** A file or folder that a configuration makes a run execute ("code") or read ("data"). */
export interface NamedFile {
  /** The key that names it, e.g. "algorithm.file". */
  readonly key: string;
  /** Absolute, without links. */
  readonly path: string;
  readonly kind: "code" | "data";
  /** Of code. */
  readonly fingerprint?: ModuleFingerprint;
}

/**
 * The existing files that a run of these configurations would execute or read because a configuration names them.
 * Folders of published data sets (data.dataDir) are not among them: their files are read by strict binary formats.
 *
 * @param dataDir folder of data sets that overrides data.dataDir
 */
export async function namedFiles(configs: readonly Config[], dataDir: string | undefined): Promise<NamedFile[]> {
  const found = new Map<string, NamedFile>();
  for (const config of configs) {
    for (const { key, path: named, kind } of names(config, dataDir)) {
      const path = await realpath(named).catch(() => undefined);
      if (path === undefined || found.has(`${kind} ${path}`)) continue; // what is not there is refused when it is loaded
      const fingerprint = kind === "code" ? await moduleFingerprint(path) : undefined;
      found.set(`${kind} ${path}`, { key, path, kind, ...(fingerprint && { fingerprint }) });
    }
  }
  return [...found.values()];
}

function names(config: Config, dataDir: string | undefined): Omit<NamedFile, "fingerprint">[] {
  const { data, model, algorithm, devices } = withAbsolutePaths(config, { folderOf: () => ".", dataDir });
  const code = (key: string, path: string | undefined) =>
    path === undefined ? [] : [{ key, path: resolve(path), kind: "code" as const }];
  const weights = model.initialWeights;
  return [
    ...(data.file === undefined ? datasetFiles(data.dataset) : code("data.file", data.file)),
    ...code("model.file", model.file),
    ...(weights === undefined ? [] : [{ key: "model.initialWeights", path: weights, kind: "data" as const }]),
    ...code("algorithm.file", algorithm.file),
    ...(devices.trace === undefined ? [] : [{ key: "devices.trace", path: devices.trace, kind: "data" as const }]),
  ];
}

function datasetFiles(dataset: string): Omit<NamedFile, "fingerprint">[] {
  const from = parseDatasetPath(dataset);
  if (from === undefined) return [];
  const kind = from.kind === "module" ? "code" : "data";
  const paths = [from.path, from.options.test].filter((path) => path !== undefined && path !== "");
  return paths.map((path) => ({ key: "data.dataset", path: path!, kind }));
}
