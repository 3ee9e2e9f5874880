import { createHash } from "node:crypto";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { moduleFingerprint } from "./module-fingerprint.ts";

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "anabranch-fingerprint-")));
  await mkdir(at("lib"));
  await writeFile(at("lib/deep.mjs"), "export {};");
  for (const name of ["a.mjs", "b.mjs", "c.mjs", "d.cjs", "e.mjs"])
    await writeFile(at(name), 'import "./lib/deep.mjs";');
  await writeFile(at("log.json"), "1");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const module = () => `import a from './a.mjs';
export * from "${pathToFileURL(at("b.mjs")).href}";
const c = await import( "./lib/../c.mjs" );
const d = require("./d"), worker = new Worker(new URL(\`./e.mjs\`, import.meta.url));
import pkg from "some-package";
writeFileSync("./log.json", "2");`;

it("covers a module and what it imports by path, each file once", async () => {
  await writeFile(at("module.mjs"), module());
  const found = await moduleFingerprint(at("module.mjs"));
  expect(found?.own).toBe(createHash("sha256").update(module()).digest("hex"));
  expect(found?.imports).toEqual(["a.mjs", "b.mjs", "c.mjs", "d.cjs", "e.mjs", "lib/deep.mjs"].map(at));
});

it("changes with any of these files, and with nothing else", async () => {
  await writeFile(at("module.mjs"), module());
  const before = await moduleFingerprint(at("module.mjs"));
  await writeFile(at("log.json"), "2");
  expect(await moduleFingerprint(at("module.mjs"))).toEqual(before);
  await writeFile(at("lib/deep.mjs"), "export { };");
  const after = await moduleFingerprint(at("module.mjs"));
  expect(after?.own).toBe(before?.own);
  expect(after?.whole).not.toBe(before?.whole);
});

it("follows links to the file behind, and imports that form a circle", async () => {
  await writeFile(at("circle.mjs"), 'import "./circle.mjs"; import "./link.mjs";');
  await symlink(at("a.mjs"), at("link.mjs"));
  expect((await moduleFingerprint(at("circle.mjs")))?.imports).toEqual([at("a.mjs"), at("lib/deep.mjs")]);
});

it("is undefined for what is no regular file", async () => {
  expect(await moduleFingerprint(folder)).toBeUndefined();
  expect(await moduleFingerprint(at("absent.mjs"))).toBeUndefined();
  expect(await moduleFingerprint("/dev/zero")).toBeUndefined();
});
