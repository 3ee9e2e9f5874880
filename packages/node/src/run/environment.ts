import { arch, availableParallelism, cpus, platform, release, totalmem } from "node:os";
import { VERSION } from "@anabranch/core";
import { type RunFolder, writeRunFile } from "../store/run-folder.ts";
import { gitCommit } from "./git-commit.ts";

/** What a run was computed with, for its report. It names no user, host or path. */
export interface Environment {
  readonly version: string;
  readonly node: string;
  /** Operating system with its release, and architecture. */
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Commit that was checked out where the run began; changes that were not committed are not known. */
  readonly commit?: string;
}

/** @param folder of the configuration */
export function describeEnvironment(folder: string): Environment {
  const commit = gitCommit(folder);
  return {
    version: VERSION,
    node: process.version,
    system: `${platform()} ${release()} ${arch()}`,
    processor: cpus()[0]?.model.trim() || "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    ...(commit === undefined ? {} : { commit }),
  };
}

/** Writes `environment.json` of a run, for the session that begins. */
export async function writeEnvironment({ paths, files }: RunFolder, folder: string): Promise<void> {
  await writeRunFile(paths.environment, `${JSON.stringify(describeEnvironment(folder))}\n`, files);
}
