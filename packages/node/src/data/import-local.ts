import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { AnabranchError } from "@anabranch/engine";
import { newerNodeNeeded } from "../node-version.ts";
import { adviceForImport, provideLibrary } from "./library-imports.ts";
import { ownFault } from "./own-fault.ts";

/** What a local module should hold, in words for errors. */
export interface LocalImport {
  /** E.g. "a data set". */
  readonly what: string;
  /** E.g. "a function that returns { train, test }". */
  readonly expected: string;
  /** Export to take; default: `default`. */
  readonly name?: string;
}

/**
 * An export of a TypeScript or JavaScript file of the operator, see `importLocalModule`.
 *
 * @param base what a relative path starts from; default: the working directory
 * @throws as `importLocalModule`
 */
export async function importLocal(path: string, wanted: LocalImport, base = "."): Promise<unknown> {
  return (await importLocalModule(resolve(base, path), wanted))[wanted.name ?? "default"];
}

/**
 * The exports of a TypeScript or JavaScript file of the operator: how own models, algorithms and data sets come in. Only
 * paths that the operator gives on this machine are imported, never anything a message names. `@anabranch/core`,
 * `@anabranch/engine` and `zod` are those of the running installation.
 *
 * @param full absolute path
 * @throws `local/not-found`, `local/failed` where the file cannot be loaded, `local/export` where the wanted export is
 *   missing
 *   `node/version` where this Node loads no TypeScript
 */
export async function importLocalModule(full: string, wanted: LocalImport): Promise<Readonly<Record<string, unknown>>> {
  const found = await stat(full).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new AnabranchError({
      code: "local/not-found",
      message: `the file with ${wanted.what} does not exist`,
      where: full,
      expected: "a .ts, .js or .mjs file",
      advice: "Check the path. In a configuration file it is relative to that file, else to the working directory.",
    });
  }
  const name = wanted.name ?? "default";
  const module = await load(full, wanted);
  if (module[name] !== undefined) return module;
  const names = Object.keys(module).sort();
  throw new AnabranchError({
    code: "local/export",
    message: `the file with ${wanted.what} does not export it`,
    where: full,
    received: names.length === 0 ? "no exports" : `exports ${names.join(", ")}`,
    expected: `${name === "default" ? "a default export" : `an export named ${name}`}: ${wanted.expected}`,
  });
}

async function load(path: string, wanted: LocalImport): Promise<Readonly<Record<string, unknown>>> {
  const { href } = pathToFileURL(path);
  provideLibrary(href);
  try {
    return (await import(href)) as Record<string, unknown>;
  } catch (cause) {
    if (isUnknownTypeScript(cause)) {
      throw newerNodeNeeded(`this Node cannot load TypeScript, as the file with ${wanted.what} is`, path, cause);
    }
    const advice =
      (await adviceForImport(cause)) ??
      "Run it by itself with: npx node FILE. TypeScript must be erasable (no enums) and import with .ts endings.";
    throw ownFault(cause, path, `loading the file with ${wanted.what}`, advice);
  }
}

/** Older Nodes, and newer ones with --no-strip-types, know no .ts files. */
function isUnknownTypeScript(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "ERR_UNKNOWN_FILE_EXTENSION" && /"\.[cm]?ts"/.test(error.message);
}
