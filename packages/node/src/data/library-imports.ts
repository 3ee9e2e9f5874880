import { registerHooks } from "node:module";
import { nearest } from "@anabranch/core";

/** Packages of the running installation that files of the operator use, wherever these files are. */
const PROVIDED = ["@anabranch/core", "@anabranch/engine", "zod"];

let registered = false;

/**
 * Lets files of the operator import the library and zod of the running installation by name. They need no `node_modules`,
 * and what lies in one beside them is not executed: nothing but the files themselves is part of their fingerprint.
 * Packages keep their own imports.
 */
export function provideLibrary(): void {
  if (registered) return;
  registered = true;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const own = isProvided(specifier) && !context.parentURL?.includes("/node_modules/");
      return nextResolve(specifier, own ? { ...context, parentURL: import.meta.url } : context);
    },
  });
}

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
