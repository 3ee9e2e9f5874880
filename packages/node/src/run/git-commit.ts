import { readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";

const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;

/**
 * The commit that is checked out in the repository of a folder; undefined where there is none or it cannot be read. Files
 * are read and git is not called: its configuration, which may be a stranger's, can name commands.
 */
export function gitCommit(folder: string): string | undefined {
  try {
    const git = gitFolder(resolve(folder));
    if (git === undefined) return undefined;
    const head = read(join(git, "HEAD"));
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
    const named = /^gitdir: (.+)$/.exec(read(path))?.[1];
    return named && (isAbsolute(named) ? named : join(folder, named));
  }
  const above = dirname(folder);
  return above === folder ? undefined : gitFolder(above);
}

/** Where branches are: of a second work tree, with those of the first. */
function sharedFolder(git: string): string {
  try {
    const named = read(join(git, "commondir"));
    return isAbsolute(named) ? named : join(git, named);
  } catch {
    return git;
  }
}

function refIn(git: string, ref: string): string | undefined {
  try {
    const loose = read(join(git, ref));
    return COMMIT.test(loose) ? loose : undefined;
  } catch {
    try {
      const line = read(join(git, "packed-refs"))
        .split("\n")
        .find((entry) => entry.endsWith(` ${ref}`));
      const commit = line?.split(" ")[0] ?? "";
      return COMMIT.test(commit) ? commit : undefined;
    } catch {
      return undefined;
    }
  }
}

function read(path: string): string {
  return readFileSync(path, "utf8").trim();
}
