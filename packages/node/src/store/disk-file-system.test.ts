import { execFileSync } from "node:child_process";
import { link, mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diskFileSystem, fileSystemBelow } from "./disk-file-system.ts";
import { replaceFile, writeAtomically } from "./file-system.ts";
import { pinFolder } from "./pinned-folder.ts";

let base: string;
let root: string;
let outside: string;
beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), "anabranch-disk-")));
  root = join(base, "root");
  outside = join(base, "outside");
  await mkdir(join(root, "sub"), { recursive: true });
  await mkdir(outside);
  await writeFile(join(outside, "victim"), "keep");
});
afterEach(() => rm(base, { recursive: true, force: true }));

const bytes = new TextEncoder().encode("new");
const victim = () => readFile(join(outside, "victim"), "utf8");
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "none",
    (error: { code?: string }) => error.code,
  );

describe("the disk below a folder", () => {
  it("reads, writes, lists, renames, adds to and removes what is there, also in parts", async () => {
    const files = fileSystemBelow(root);
    await files.makeFolder(join(root, "a", "b"));
    const path = join(root, "a", "b", "c");
    await files.write(path, [bytes, bytes]);
    await files.write(path, bytes);
    const log = await files.append(path);
    await log.appendFile("er");
    await log.close();
    await files.syncFile(path);
    await files.syncFolder(join(root, "a"));
    expect(Buffer.from((await files.read(path))!).toString()).toBe("newer");
    await files.rename(path, join(root, "a", "b", "d"));
    expect(await files.list(`${join(root, "a")}/`)).toEqual(["b/"]);
    expect(await files.list(join(root, "a", "b"))).toEqual(["d"]);
    await files.remove(join(root, "a", "b", "d"));
    await files.remove(join(root, "a", "b", "d"));
    expect(await files.read(join(root, "none", "of", "it"))).toBeUndefined();
    expect(await files.list(join(root, "none"))).toEqual([]);
    await files.makeFolder(root);
  });

  it("refuses what is too large, and paths outside", async () => {
    const files = fileSystemBelow(root);
    await files.write(join(root, "x"), bytes);
    expect(await code(files.read(join(root, "x"), 2))).toBe("store/too-large");
    for (const path of [join(outside, "victim"), join(root, "..", "outside", "victim"), `${root}-other/x`]) {
      await expect(files.read(path)).rejects.toThrow(/is not below/);
    }
  });

  it("follows no link in place of a file, and replaces it itself where it is to be replaced", async () => {
    const files = fileSystemBelow(root);
    const path = join(root, "sub", "file");
    await symlink(join(outside, "victim"), path);
    expect(await code(files.read(path))).toBe("store/link");
    expect(await code(files.append(path))).toBe("store/link");
    expect(await code(files.syncFile(path))).toBe("store/link");
    expect(await code(files.list(join(root, "sub")))).toBe("store/link");
    await files.write(path, bytes);
    expect(await victim()).toBe("keep");
    expect(await readFile(path, "utf8")).toBe("new");
    await rm(path);
    await symlink(join(outside, "absent"), path);
    for (const write of [replaceFile, writeAtomically]) {
      await write(files, path, bytes);
      await rm(path);
      await symlink(join(outside, "absent"), path);
    }
    await files.remove(path);
    expect(await readdir(outside)).toEqual(["victim"]);
  });

  it.each(["of the whole way", "of a part of it"])("follows no link in place of a folder %s", async (what) => {
    const files = fileSystemBelow(root);
    await rm(join(root, "sub"), { recursive: true });
    await mkdir(join(outside, "in"));
    await writeFile(join(outside, "in", "victim"), "keep");
    await symlink(outside, join(root, "sub"));
    const folder = join(root, "sub", ...(what === "of a part of it" ? ["in"] : []));
    const path = join(folder, "victim");
    const actions: (() => Promise<unknown>)[] = [
      () => files.read(path),
      () => files.list(folder),
      () => files.write(path, bytes),
      () => files.append(path),
      () => files.syncFile(path),
      () => files.syncFolder(folder),
      () => files.rename(path, join(folder, "gone")),
      () => files.remove(path),
      () => files.makeFolder(join(folder, "made")),
      () => replaceFile(files, path, bytes),
      () => writeAtomically(files, path, bytes),
    ];
    for (const action of actions) expect(await code(action())).toMatch(/^store\/(link|not-a-file)$/);
    expect(await victim()).toBe("keep");
    expect((await readdir(outside, { recursive: true })).sort()).toEqual(["in", "in/victim", "victim"]);
  });

  it("does not make folders behind a link", async () => {
    await symlink(outside, join(root, "link"));
    expect(await code(fileSystemBelow(root).makeFolder(join(root, "link")))).toBe("store/link");
    expect(await code(fileSystemBelow(root).makeFolder(join(root, "link", "x")))).toBe("store/link");
    expect(await readdir(outside)).toEqual(["victim"]);
  });

  it("adds nothing to a file with another name, and replaces such a file under its own name only", async () => {
    const files = fileSystemBelow(root);
    const path = join(root, "log");
    await link(join(outside, "victim"), path);
    expect(await code(files.append(path))).toBe("store/link");
    await files.write(path, bytes);
    expect(await victim()).toBe("keep");
    await rm(path);
    await link(join(outside, "victim"), path);
    await writeAtomically(files, path, bytes);
    expect([await victim(), await readFile(path, "utf8")]).toEqual(["keep", "new"]);
  });

  it("refuses a folder in place of a file", async () => {
    const files = fileSystemBelow(root);
    const path = join(root, "sub");
    expect(await code(files.read(path))).toBe("store/not-a-file");
    expect(await code(files.append(path))).toBe("store/not-a-file");
    await writeFile(join(root, "file"), "");
    expect(await code(files.makeFolder(join(root, "file")))).toBe("store/not-a-file");
    expect(await code(files.list(join(root, "file")))).toBe("store/not-a-file");
  });

  it.skipIf(process.platform === "win32")("waits for no pipe and no socket", async () => {
    execFileSync("mkfifo", [join(root, "pipe")]);
    const server = createServer().listen(join(root, "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    for (const files of [diskFileSystem, fileSystemBelow(root)]) {
      for (const name of ["pipe", "socket"]) {
        expect(await code(files.read(join(root, name)))).toBe("store/not-a-file");
        expect(await code(files.append(join(root, name)))).toBe("store/not-a-file");
        expect(await code(files.syncFile(join(root, name)))).toBe("store/not-a-file");
      }
    }
    server.close();
  });
});

describe("a folder that is swapped for a link after it was looked at", () => {
  it.runIf(process.platform === "linux")("stays the one that was looked at", async () => {
    using pinned = pinFolder(join(root, "sub"));
    await rename(join(root, "sub"), join(root, "moved"));
    await symlink(outside, join(root, "sub"));
    await writeFile(join(pinned.path, "victim"), "new");
    expect(await victim()).toBe("keep");
    expect(await readFile(join(root, "moved", "victim"), "utf8")).toBe("new");
    expect(() => pinFolder(join(root, "sub"))).toThrow(expect.objectContaining({ code: "store/link" }));
  });

  it.runIf(process.platform === "linux")("is never written through, however often it is swapped", async () => {
    const files = fileSystemBelow(root);
    await mkdir(join(root, "real"));
    await symlink(outside, join(root, "link"));
    await rm(join(root, "sub"), { recursive: true });
    let swapping = true;
    const swapper = (async () => {
      for (let i = 0; swapping; i++) {
        const name = i % 2 === 0 ? "real" : "link";
        await rename(join(root, name), join(root, "sub"));
        await new Promise((resolve) => setImmediate(resolve));
        await rename(join(root, "sub"), join(root, name));
      }
    })();
    const ends = new Set<string | undefined>();
    for (let i = 0; i < 1000; i++) ends.add(await code(writeAtomically(files, join(root, "sub", "victim"), bytes)));
    swapping = false;
    await swapper;
    expect(await victim()).toBe("keep");
    expect(await readdir(outside)).toEqual(["victim"]);
    for (const end of ends)
      expect(["none", "store/link", "store/not-a-file", "store/no-folder", "ENOENT"]).toContain(end);
  });
});
