import { createHash } from "node:crypto";
import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, extname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** What a module and the files that it imports contain. */
export interface ModuleFingerprint {
  /** SHA-256 of the module alone, as `sha256sum` prints it. */
  readonly own: string;
  /** SHA-256 over the module and its imports, with their paths. */
  readonly whole: string;
  /** Files that the module imports by a path, directly or not. Packages are not followed. */
  readonly imports: readonly string[];
}

/** Endings of files that Node executes or imports. */
const importable = new Set([".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".json", ".wasm", ".node", ""]);
/** Endings that `require` adds. */
const addedEndings = [".js", ".cjs", ".json", ".node"];
/** A path in quotes where code is imported: statically, dynamically, by require or as a worker. */
const importedPaths =
  /\b(?:from|import|require|resolve|Worker|URL)\s*(?:\(\s*)?["'`]((?:\.{1,2}\/|\/|file:)[^"'`\n]*)["'`]/g;
const MOST_FILES = 1000;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * The fingerprint of a module; undefined where it cannot be read. Imports are found by their text, so that one in a
 * comment counts too, and a path that is computed is not found.
 */
export async function moduleFingerprint(path: string): Promise<ModuleFingerprint | undefined> {
  const hashes = new Map<string, string>();
  const waiting = [path];
  for (let next = waiting.pop(); next !== undefined && hashes.size < MOST_FILES; next = waiting.pop()) {
    const file = await realpath(next).catch(() => next);
    if (hashes.has(file)) continue;
    const bytes = await readRegularFile(file);
    if (bytes === undefined) continue;
    hashes.set(file, sha256(bytes));
    for (const [, literal] of bytes.toString("latin1").matchAll(importedPaths)) {
      const target = targetOf(Buffer.from(literal!, "latin1").toString(), file);
      if (target === undefined || !importable.has(extname(target))) continue;
      waiting.push(target, ...(extname(target) === "" ? addedEndings.map((ending) => target + ending) : []));
    }
  }
  const [own] = hashes.values();
  if (own === undefined) return undefined;
  const [, ...imports] = hashes.keys();
  const whole = sha256(JSON.stringify([...hashes].sort(([a], [b]) => (a < b ? -1 : 1))));
  return { own, whole, imports: imports.sort() };
}

async function readRegularFile(path: string): Promise<Buffer | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile() !== true || found.size > MOST_BYTES) return undefined;
  return readFile(path).catch(() => undefined);
}

function targetOf(literal: string, from: string): string | undefined {
  try {
    return literal.startsWith("file:") ? fileURLToPath(literal) : resolve(dirname(from), literal);
  } catch {
    return undefined; // no address of a file
  }
}

function sha256(contents: string | Uint8Array): string {
  return createHash("sha256").update(contents).digest("hex");
}
