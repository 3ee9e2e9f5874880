import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../data/places.ts";
import type { NamedFile } from "./named-files.ts";

/** More than these are forgotten, the oldest first. */
const MOST_FILES = 5000;

/** By path: the hash of code with its imports, "data" for what is only read. */
type Entries = Readonly<Record<string, string>>;

/**
 * The files that this user has run or read before, in `trusted-files.json` of the user's own cache folder: never in a run
 * folder, which others may have written. A record that is lost or cannot be read trusts nothing.
 */
export class TrustedFiles {
  readonly #path: string;

  constructor(folder = cacheFolder({})) {
    this.#path = join(folder, "trusted-files.json");
  }

  /** Those that are not recorded, or have changed since. */
  async unknown(files: readonly NamedFile[]): Promise<NamedFile[]> {
    const entries = await this.#read();
    return files.filter((file) => {
      const value = recordOf(file);
      return value === undefined || entries[keyOf(file)] !== value;
    });
  }

  /** Records files. A folder that cannot be written is no failure: the user is asked again. */
  async remember(files: readonly NamedFile[]): Promise<void> {
    if ((await this.unknown(files)).length === 0) return;
    const added = Object.fromEntries(files.map((file) => [keyOf(file), recordOf(file) ?? ""]));
    const kept = Object.entries(await this.#read()).filter(([key]) => !Object.hasOwn(added, key));
    const entries = [...kept, ...Object.entries(added)].slice(-MOST_FILES);
    const temporary = `${this.#path}.${process.pid}`;
    try {
      await mkdir(join(this.#path, ".."), { recursive: true });
      await writeFile(temporary, JSON.stringify(Object.fromEntries(entries), null, 1), { flag: "wx", mode: 0o600 });
      await rename(temporary, this.#path);
    } catch {
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  async #read(): Promise<Entries> {
    try {
      const value: unknown = JSON.parse(await readFile(this.#path, "utf8"));
      return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
    } catch {
      return {};
    }
  }
}

/** A file that was only read is not trusted as code. */
function keyOf({ kind, path }: NamedFile): string {
  return `${kind}:${path}`;
}

/** Undefined for code that cannot be read. */
function recordOf({ kind, fingerprint }: NamedFile): string | undefined {
  return kind === "data" ? "data" : fingerprint?.whole;
}
