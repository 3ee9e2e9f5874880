import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SecureRecord } from "@anabranch/core/live";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FileSystem } from "../store/file-system.ts";
import { type ClientFolder, openClientFolder } from "./client-folder.ts";
import { secureRecordsIn } from "./secure-records-folder.ts";

let base: string;
let folder: ClientFolder;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "anabranch-records-"));
  folder = await openClientFolder(join(base, "client"));
});
afterEach(async () => {
  await folder.release();
  await rm(base, { recursive: true });
});

const record: SecureRecord = { round: 3, terms: "a".repeat(64), answered: false, keys: { "7": `${"A".repeat(43)}=` } };

describe("the record of secure aggregation of a client", () => {
  it("is what was saved last, for each run", async () => {
    const records = secureRecordsIn(folder);
    expect(await records.load("run-a")).toBeUndefined();
    await records.save("run-a", record);
    await records.save("run-a", { ...record, answered: true });
    await records.save("run-b", record);
    expect(await secureRecordsIn(folder).load("run-a")).toEqual({ ...record, answered: true });
    expect(await records.load("run-b")).toEqual(record);
    expect((await readdir(join(folder.path, "secure"))).sort()).toEqual(["run-a.json", "run-b.json"]);
  });

  it("is on the disk before it counts: file, name, folder", async () => {
    const calls: string[] = [];
    const { files } = folder;
    const watched: FileSystem = new Proxy(files, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        return (...given: unknown[]) => {
          calls.push(String(name));
          return member.apply(target, given) as unknown;
        };
      },
    });
    await secureRecordsIn({ ...folder, files: watched }).save("run-a", record);
    expect(calls).toEqual(["makeFolder", "syncFolder", "write", "syncFile", "rename", "syncFolder"]);
  });

  it.each([
    ["cut off", '{"round":3,'],
    ["no record", '{"round":3}'],
    ["of an impossible round", JSON.stringify({ ...record, round: -1 })],
    ["with a key that is none", JSON.stringify({ ...record, keys: { "7": "short" } })],
  ])("ends the client's part where it is %s", async (_what, text) => {
    const records = secureRecordsIn(folder);
    await records.save("run-a", record);
    await writeFile(join(folder.path, "secure", "run-a.json"), text);
    await expect(records.load("run-a")).rejects.toMatchObject({ code: "client/record-damaged" });
  });
});
