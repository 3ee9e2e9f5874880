import type { Config } from "@anabranch/core";
import { AnabranchError } from "@anabranch/engine";
import { readRunConfig } from "../run/run-config.ts";
import type { RunOutcome, SessionOptions } from "../run/session.ts";
import { keptMinimumClients } from "../server/serve-settings.ts";
import { findRun } from "../store/find-run.ts";
import { openRunFolder } from "../store/run-folder.ts";
import { readConfigFile } from "./config-file.ts";
import type { GlobalOptions } from "./globals.ts";
import { liesInRunFolder, requireTrust, type TrustOption } from "./trust.ts";

/** A run that is to be served. */
export interface ChosenRun {
  readonly config: Config;
  /** Of a run to continue. */
  readonly folder?: string;
  /** Clients that the run waits for where the command line says nothing. */
  readonly usualClients: number;
  begin(options: SessionOptions): Promise<RunOutcome>;
}

/**
 * New runs of configuration files, and runs to continue. Nothing has begun when one is refused.
 *
 * @throws `usage/missing-argument`, `usage/conflict`, and what reading a configuration or finding a run throws
 */
export async function chooseRuns(
  files: readonly string[],
  resumed: readonly string[],
  trust: TrustOption,
  globals: GlobalOptions,
): Promise<ChosenRun[]> {
  if (files.length + resumed.length === 0) throw nothingChosen();
  if (files.length === 0 && globals.set.length > 0) throw setWhileResuming();
  const chosen: ChosenRun[] = [];
  for (const file of files) chosen.push(await newRun(file, trust, globals));
  for (const name of resumed) chosen.push(await runToContinue(name, trust, globals));
  const folders = chosen.flatMap(({ folder }) => folder ?? []);
  // addresses, storage and ledger tell runs by their ids, which a copy of a folder shares
  const ids = await Promise.all(folders.map(async (folder) => (await openRunFolder(folder)).id));
  const twice = folders.find((_, i) => ids.indexOf(ids[i]!) < i);
  if (twice !== undefined) throw chosenTwice(twice);
  return chosen;
}

async function newRun(file: string, trust: TrustOption, globals: GlobalOptions): Promise<ChosenRun> {
  const { startRun } = await import("../run/session.ts");
  const config = await readConfigFile(file, globals);
  if (config.data.clients === 0) throw noPlaces(file);
  await requireTrust([config], { where: file, ask: liesInRunFolder(file) ? "all" : "none" }, trust, globals);
  return { config, usualClients: config.data.clients, begin: (options) => startRun(config, options) };
}

async function runToContinue(name: string, trust: TrustOption, globals: GlobalOptions): Promise<ChosenRun> {
  const { resumeRun } = await import("../run/session.ts");
  const { folder } = await findRun(globals.runs, name);
  const config = await readRunConfig(folder);
  await requireTrust([config], { where: folder, ask: "all" }, trust, globals);
  const usualClients = (await keptMinimumClients(folder)) ?? config.data.clients;
  return { config, folder, usualClients, begin: (options) => resumeRun(folder, options) };
}

/** The places of a live run are those of its clients, whose data the server does not see. */
function noPlaces(file: string): AnabranchError {
  return new AnabranchError({
    code: "config/conflict",
    message: "a live run needs its number of clients",
    where: `${file}, data.clients`,
    received: "0: one client per owner in the data",
    expected: "the number of clients that may take part",
    advice: "Set data.clients.",
  });
}

function nothingChosen(): AnabranchError {
  return new AnabranchError({
    code: "usage/missing-argument",
    message: "serve needs a configuration file or --resume",
    advice: "See: anabranch serve --help",
  });
}

function chosenTwice(folder: string): AnabranchError {
  return new AnabranchError({
    code: "usage/conflict",
    message: "a run can be resumed only once at a time",
    where: folder,
    advice: "Name each run once with --resume. A copy of its folder is the same run: it has the same id.",
  });
}

function setWhileResuming(): AnabranchError {
  return new AnabranchError({
    code: "usage/conflict",
    message: "a resumed run keeps its configuration",
    where: "--set",
    advice: "Leave --set out, or start a new run.",
  });
}
