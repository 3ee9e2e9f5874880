import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesBelow, readText, root } from "./source-files.ts";

/** Folders of sources with more than five files. */
function largeFolders(): string[] {
  const sources = filesBelow("packages").filter((path) => /^packages\/\w+\/src\/.+\.tsx?$/.test(path));
  const byFolder = Map.groupBy(sources, (path) => path.slice(0, path.lastIndexOf("/")));
  return [...byFolder]
    .filter(([folder, files]) => files.length > 5 && !folder.endsWith("/src"))
    .map(([folder]) => folder);
}

describe("a folder with more than five files", () => {
  const folders = largeFolders();

  it("has a README of 9 to 24 lines", () => {
    expect(folders.length).toBeGreaterThan(50);
    const without = folders.filter((folder) => !existsSync(join(root, folder, "README.md")));
    expect(without, "write what the folder is for, its main files, and what it imports").toEqual([]);
    const lengths = folders.map(
      (folder) => [folder, readText(`${folder}/README.md`).trimEnd().split("\n").length] as const,
    );
    expect(lengths.filter(([, lines]) => lines < 9 || lines > 24)).toEqual([]);
  });

  it("has the files that its README names", () => {
    const missing = folders.flatMap((folder) => {
      const files = new Set(readdirSync(join(root, folder)));
      const named = [...readText(`${folder}/README.md`).matchAll(/`([\w.-]+\.tsx?)`/g)].map(([, name]) => name!);
      return named.filter((name) => !files.has(name)).map((name) => `${folder}/${name}`);
    });
    expect(missing).toEqual([]);
  });
});
