import { type ResolveHookSync, registerHooks } from "node:module";
import { nearest } from "@anabranch/core/readers";

/** Packages of the running installation that files of the operator use, wherever these files are. */
const PROVIDED = ["@anabranch/core", "@anabranch/engine", "zod"];

/** Addresses of files of the operator, and of files that these import by a path. */
const files = new Set<string>();

/**
 * Lets a file of the operator, and what it imports by a path, import the library and zod of the running installation by
 * name. They need no `node_modules`, and what lies in one beside them is not executed in the place of the library, whose
 * name says nothing of its content. Other modules of the process keep their own imports.
 *
 * @param address of the file, as it will be imported
 */
export function provideLibrary(address: string): void {
  if (files.size === 0) registerHooks({ resolve });
  files.add(address);
}

const resolve: ResolveHookSync = (specifier, context, next) => {
  const { parentURL = "" } = context;
  if (!files.has(specifier) && !files.has(parentURL)) return next(specifier, context);
  if (isProvided(specifier)) return next(specifier, { ...context, parentURL: import.meta.url });
  const found = next(specifier, context);
  if (found.url.startsWith("file:") && !found.url.includes("/node_modules/")) files.add(found.url);
  return found;
};

/** What to do about a name that the library does not export, where an import failed for that reason. */
export async function adviceForImport(error: unknown): Promise<string | undefined> {
  if (!(error instanceof SyntaxError)) return undefined;
  const found = /module '([^']+)' does not provide an export named '([^']+)'/.exec(error.message);
  const [specifier, name] = [found?.[1], found?.[2]];
  if (specifier === undefined || name === undefined || !isProvided(specifier)) return undefined;
  const near = nearest(name, Object.keys(await import(specifier)));
  return near === undefined ? `${specifier} has no ${name}.` : `Did you mean "${near}" instead of "${name}"?`;
}

function isProvided(specifier: string): boolean {
  return PROVIDED.some((name) => specifier === name || specifier.startsWith(`${name}/`));
}
