import { opendir } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { readerLimits, requireAtMost } from "@anabranch/core/readers";
import type { FileAccess } from "./file-access.ts";

/** A file below a folder. */
export interface FoundFile {
  /** Relative to the folder, with / between its parts. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * The files of a folder and of those below it, in order of path. Regular files only, and no links: what lies elsewhere is no
 * part of the folder.
 *
 * @param named pattern of file names
 * @throws `data/too-large`
 */
export async function filesBelow(
  folder: string,
  named: RegExp,
  access: FileAccess,
  advice?: string,
): Promise<FoundFile[]> {
  const files: FoundFile[] = [];
  let bytes = 0;
  for (const path of (await pathsBelow(folder, named, access)).sort()) {
    const file = { path: relative(folder, path).split(sep).join("/"), bytes: await access.read(path) };
    bytes += file.bytes.length;
    requireAtMost(readerLimits.fileBytes, bytes, "bytes in all files", folder, advice);
    files.push(file);
  }
  return files;
}

async function pathsBelow(root: string, named: RegExp, access: FileAccess): Promise<string[]> {
  const paths: string[] = [];
  const folders = [root];
  let entries = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const found = await opendir(folder).catch(() => []);
    for await (const entry of found) {
      access.listed();
      requireAtMost(readerLimits.folderEntries, ++entries, "files and folders", root);
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile() && !entry.name.startsWith(".") && named.test(entry.name)) paths.push(path);
    }
  }
  return paths;
}
