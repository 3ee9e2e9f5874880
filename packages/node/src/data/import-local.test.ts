import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadDatasetModule } from "./dataset-module.ts";
import { importLocal } from "./import-local.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-local-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const wanted = { what: "a model", expected: "a model made by defineModel" };
let files = 0;

/** Modules are cached by path, so every one gets its own. */
async function put(text: string, ending = "mjs"): Promise<string> {
  const path = join(folder, `${++files}.${ending}`);
  await writeFile(path, text);
  return path;
}

describe("local modules", () => {
  it("gives the default export or a named one, also of TypeScript", async () => {
    expect(await importLocal(await put("export default 5;"), wanted)).toBe(5);
    expect(await importLocal(await put("export const size: number = 6;", "ts"), { ...wanted, name: "size" })).toBe(6);
    await writeFile(join(folder, "relative.mjs"), "export default 7;");
    expect(await importLocal("relative.mjs", wanted, folder)).toBe(7);
  });

  it("says what is wrong with the file", async () => {
    await expect(importLocal("absent.ts", wanted, folder)).rejects.toMatchObject({ code: "local/not-found" });
    await expect(importLocal(folder, wanted)).rejects.toMatchObject({ code: "local/not-found" });
    const thrown = await importLocal(await put("throw new Error('broken')"), wanted).catch((reason: unknown) => reason);
    expect(thrown).toMatchObject({ code: "local/failed" });
    expect(String(thrown)).toContain("broken");
    const missing = importLocal(await put("export const other = 1; export const model = 2;"), wanted);
    await expect(missing).rejects.toThrow(/exports model, other.*default export: a model made by defineModel/);
  });
});

it("says which Node is needed where this one knows no TypeScript", async () => {
  // what Node 20 throws
  const thrown = `Object.assign(new TypeError('Unknown file extension ".ts" for /own.ts'), { code: "ERR_UNKNOWN_FILE_EXTENSION" })`;
  const refused = await importLocal(await put(`throw ${thrown}`), wanted).catch((reason: unknown) => reason);
  expect(refused).toMatchObject({ code: "node/version", failure: { received: `Node ${process.version}` } });
  expect(String(refused)).toMatch(/cannot load TypeScript.*Node 24 or newer.*npm install node@24/);
});

describe("data set modules", () => {
  it("refuses what is no data set", async () => {
    for (const text of [
      "export default 5",
      "export default () => 5",
      "export default () => ({ train: {}, test: {} })",
    ]) {
      await expect(loadDatasetModule(await put(text)), text).rejects.toMatchObject({ code: "local/export" });
    }
    const failing = await put("export default () => { throw new Error('no table') }");
    await expect(loadDatasetModule(failing)).rejects.toThrow(/no table/);
  });

  it("checks shapes and labels", async () => {
    const path = await put(`
      const part = { name: "x", classes: 2, features: { dtype: "uint8", shape: [2, 1], data: Uint8Array.of(1, 2) },
        labels: { dtype: "uint8", shape: [2], data: Uint8Array.of(0, 2) } };
      export default () => ({ train: part, test: part });`);
    await expect(loadDatasetModule(path)).rejects.toMatchObject({ code: "data/label" });
  });
});
