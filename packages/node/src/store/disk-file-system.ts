import { mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { FileSystem } from "./file-system.ts";
import { makeFolders } from "./make-folders.ts";
import { pinFolder } from "./pinned-folder.ts";
import { type Access, notPlain, openPlain, requireSize } from "./plain-file.ts";
import { hasCode } from "./storage-error.ts";

/** What Node reads at once at most. */
const largestFile = 2 ** 31 - 1;

/**
 * The disk. The last part of a path is never followed where it is a link, and only regular files are opened.
 *
 * @example
 * ```ts
 * import { diskFileSystem } from "@anabranch/node";
 * typeof diskFileSystem.makeFolder; // => "function"
 * ```
 */
export const diskFileSystem: FileSystem = diskOperations(
  (folder, body) => body(folder),
  async (folder) => {
    await makeFolders(folder);
  },
);

/**
 * The disk below one folder, which others may have filled: no part of a path below it may be a link.
 *
 * @param root as `realpath` gives it
 * @throws from all operations `store/link`, `store/not-a-file`
 * @example
 * ```ts
 * import { fileSystemBelow } from "@anabranch/node";
 * import { tmpdir } from "node:os";
 * typeof fileSystemBelow(tmpdir()).makeFolder; // => "function"
 * ```
 */
export function fileSystemBelow(root: string): FileSystem {
  const reach: Reach = async (given, body) => {
    const folder = resolve(given);
    if (folder !== root && !folder.startsWith(root + sep)) throw new Error(`${folder} is not below ${root}`);
    using pinned = pinFolder(folder);
    return await body(pinned.path);
  };
  return diskOperations(reach, async (folder) => {
    let parent = root;
    for (const name of relative(root, folder).split(sep)) {
      if (name !== "") await reach(parent, (place) => mkdir(join(place, name)).catch(unless("EEXIST")));
      parent = join(parent, name);
    }
    // what was there already may be something else
    await reach(folder, async () => {});
  });
}

/** Runs `body` with the path by which a folder is reached. */
type Reach = <T>(folder: string, body: (place: string) => Promise<T>) => Promise<T>;

function diskOperations(reach: Reach, makeFolder: FileSystem["makeFolder"]): FileSystem {
  const opened = (path: string, access: Access, mode?: number) =>
    reach(dirname(path), (place) => openPlain(join(place, basename(path)), access, path, mode));
  const remove = (path: string) =>
    reach(dirname(path), (place) => unlink(join(place, basename(path)))).catch(unless("ENOENT"));
  return {
    async read(path, limit = largestFile) {
      const file = await opened(path, "read").catch(unless("ENOENT"));
      if (file === undefined) return undefined;
      return using(file, async () => {
        requireSize((await file.stat()).size, limit, path);
        return await file.readFile();
      });
    },
    async list(folder) {
      return (await reach(folder, (place) => listPlain(place, folder)).catch(unless("ENOENT"))) ?? [];
    },
    open: (path) => opened(path, "read").catch(unless("ENOENT")),
    async write(path, contents, mode) {
      const file = await opened(path, "create", mode).catch(async (error: unknown) => {
        unless("EEXIST")(error);
        await remove(path);
        return await opened(path, "create", mode);
      });
      await using(file, () => file.writeFile(contents));
    },
    append: (path) => opened(path, "append"),
    async syncFile(path) {
      const file = await opened(path, "change");
      await using(file, () => file.sync());
    },
    rename: (from, to) =>
      reach(dirname(from), (source) =>
        reach(dirname(to), (target) => rename(join(source, basename(from)), join(target, basename(to)))),
      ),
    remove,
    makeFolder,
    async syncFolder(folder) {
      // Windows cannot open a folder; there the rename itself is the best that can be had.
      if (process.platform === "win32") return;
      await reach(folder, async (place) => {
        const handle = await open(place, "r");
        await using(handle, () => handle.sync());
      });
    },
  };
}

async function using<T>(file: { close(): Promise<void> }, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } finally {
    await file.close();
  }
}

/** Ends a failure with one of the codes as undefined. */
function unless(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!hasCode(error, ...codes)) throw error;
  };
}

async function listPlain(place: string, folder: string): Promise<string[]> {
  const entries = await readdir(place, { withFileTypes: true });
  return entries.map((entry) => {
    if (entry.isDirectory()) return `${entry.name}/`;
    if (entry.isFile()) return entry.name;
    throw notPlain(join(folder, entry.name), entry);
  });
}
