import { statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { readPlainSync } from "../store/plain-file.ts";

const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
/** Bytes of a file with one line, and of one with all packed branches and tags. */
const [LONGEST_LINE, LONGEST_LIST] = [8192, 2 ** 24];

/**
 * The commit that is checked out in the repository of a folder; undefined where there is none or it cannot be read. Files
 * are read and git is not called: its configuration, which may be a stranger's, can name commands. So may the files be: a
 * pipe would be waited for without end, and a device may have none.
 */
export function gitCommit(folder: string): string | undefined {
  try {
    const git = gitFolder(resolve(folder));
    if (git === undefined) return undefined;
    const head = read(join(git, "HEAD")) ?? "";
    if (COMMIT.test(head)) return head;
    const ref = /^ref: (refs\/[\w./@+-]+)$/.exec(head)?.[1];
    if (ref === undefined || ref.includes("..")) return undefined;
    return [git, sharedFolder(git)].map((place) => refIn(place, ref)).find((commit) => commit !== undefined);
  } catch {
    return undefined;
  }
}

/** The nearest `.git` above a folder; of a second work tree, the folder that its file names. */
function gitFolder(folder: string): string | undefined {
  const path = join(folder, ".git");
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return path;
  if (stats?.isFile()) {
    const named = /^gitdir: (.+)$/.exec(read(path) ?? "")?.[1];
    return named && (isAbsolute(named) ? named : join(folder, named));
  }
  const above = dirname(folder);
  return above === folder ? undefined : gitFolder(above);
}

/** Where branches are: of a second work tree, with those of the first. */
function sharedFolder(git: string): string {
  const named = read(join(git, "commondir")) ?? ".";
  return isAbsolute(named) ? named : join(git, named);
}

function refIn(git: string, ref: string): string | undefined {
  const commit = read(join(git, ref)) ?? packedIn(git, ref);
  return COMMIT.test(commit ?? "") ? commit : undefined;
}

function packedIn(git: string, ref: string): string | undefined {
  const lines = read(join(git, "packed-refs"), LONGEST_LIST)?.split("\n");
  return lines?.find((entry) => entry.endsWith(` ${ref}`))?.split(" ")[0];
}

/** The text of a regular file; undefined where it does not exist. Throws as `readPlainSync`. */
function read(path: string, limit = LONGEST_LINE): string | undefined {
  return readPlainSync(path, limit)?.toString("utf8").trim();
}
