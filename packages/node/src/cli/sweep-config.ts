import { readFile } from "node:fs/promises";
import { dirname, relative, resolve as resolvePath } from "node:path";
import { AnabranchError } from "@anabranch/core";
import { checkSweep } from "../sweep/check.ts";
import { everyRun, expandSweep, type Sweep } from "../sweep/expand.ts";
import { parseSweepFile } from "../sweep/sweep-file.ts";
import { openConfigFile } from "./config-file.ts";
import type { GlobalOptions } from "./globals.ts";
import { liesInRunFolder, requireTrust, type TrustOption } from "./trust.ts";

export interface OpenSweep {
  readonly sweep: Sweep;
  /** Path of the base configuration from the working directory, as a command has it. */
  readonly base: string;
}

/**
 * Reads a sweep file and its base, and checks every run. Code that they name needs the user's consent: the check runs it.
 *
 * @throws `config/not-found`, `config/syntax`, `config/sweep`, `trust/files`, and for a single problem its own code
 */
export async function openSweep(file: string, options: TrustOption, globals: GlobalOptions): Promise<OpenSweep> {
  const { dataDir } = globals;
  const spec = parseSweepFile(await readSweepFile(file), file);
  const base = relative(".", resolvePath(dirname(file), spec.base));
  const resolve = await openConfigFile(base);
  const sweep = expandSweep(spec, (set) => resolve({ set, dataDir }), file);
  const configs = everyRun(sweep).map(({ config }) => config);
  const shared = liesInRunFolder(file) || liesInRunFolder(base);
  await requireTrust(configs, { where: file, ask: shared ? "all" : "code" }, options, globals);
  await checkSweep(sweep, dataDir, file);
  return { sweep, base };
}

async function readSweepFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new AnabranchError({
      code: "config/not-found",
      message: "the sweep file cannot be read",
      where: file,
      received: cause instanceof Error ? cause.message : String(cause),
      advice: "See: anabranch sweep --help",
      cause,
    });
  }
}
