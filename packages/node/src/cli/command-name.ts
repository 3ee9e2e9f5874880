import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../bin/anabranch.mjs", import.meta.url));

/**
 * What a user types for this command in the working directory: `npx anabranch` where npx finds this installation in a
 * node_modules folder there or above, as in a clone; else `anabranch`.
 *
 * @param folder the working directory
 */
export function commandName(folder = process.cwd()): "npx anabranch" | "anabranch" {
  for (let at = folder; ; at = dirname(at)) {
    const found = pathOf(join(at, "node_modules", ".bin", "anabranch"));
    if (found !== undefined) return found === pathOf(bin) ? "npx anabranch" : "anabranch";
    if (dirname(at) === at) return "anabranch";
  }
}

/** A text with its commands as a user types them here. A command follows ": " or "then ". */
export function withTypedCommands(text: string, name = commandName()): string {
  return text.replace(/(?<=: |\bthen )anabranch (?=[a-z])/g, `${name} `);
}

/** Without links; undefined where there is nothing. */
function pathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
