import { pathToFileURL } from "node:url";
import { AnabranchError } from "@anabranch/engine";

/**
 * The error for one that was thrown in an operator's own file: what was thrown, and the line of the file. Errors of ours
 * that already say what to do are kept; those of the engine say what an operator of it was given, not where.
 *
 * @param what that has failed, e.g. "update(...) of an algorithm"
 */
export function ownFault(error: unknown, file: string, what: string, advice?: string): AnabranchError {
  if (error instanceof AnabranchError && !error.code.startsWith("engine/")) return error;
  const name = error instanceof Error && !(error instanceof AnabranchError) ? `${error.name}: ` : "";
  return new AnabranchError({
    code: "local/failed",
    message: `${what} has failed`,
    where: lineOf(error, file) ?? file,
    received: `${name}${textOf(error)}`,
    advice: advice ?? "This is an error in that file, or in how it uses the library.",
    cause: error,
  });
}

/** "FILE:LINE:COLUMN" of the first stack frame in the file. */
function lineOf(error: unknown, file: string): string | undefined {
  const stack = error instanceof Error ? error.stack : undefined;
  for (const name of [pathToFileURL(file).href, file]) {
    const at = stack?.indexOf(`${name}:`) ?? -1;
    const position = at < 0 ? undefined : /^:(\d+(?::\d+)?)/.exec(stack!.slice(at + name.length))?.[1];
    if (position !== undefined) return `${file}:${position}`;
  }
  return undefined;
}

function textOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return "a value that cannot be shown";
  }
}
