import { link, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EventLog } from "./event-log.ts";
import { exampleEvents } from "./example-events.ts";
import { listRuns } from "./find-run.ts";
import { openIndexDatabase, schema } from "./index-database.ts";
import { createRunFolder, type RunFolder } from "./run-folder.ts";

let base: string;
let root: string;
let path: string;
let run: RunFolder;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "anabranch-database-"));
  root = join(base, "runs");
  path = join(root, "index.sqlite");
  run = await createRunFolder({ root, name: "x" });
  const log = await EventLog.open(run.paths.events);
  for (const event of exampleEvents({ rounds: 1, run: run.id, name: "x" })) await log.append(event);
  await log.close();
});
afterEach(() => rm(base, { recursive: true, force: true }));

function database(file: string, sql: string): void {
  const opened = new DatabaseSync(file);
  opened.exec(sql);
  opened.close();
}

/** A journal that SQLite plays back, and that names a file which is deleted afterwards. */
function journalNaming(file: string): Buffer {
  const mark = Buffer.from("d9d505f920a163d7", "hex");
  const numbers = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer).swap32();
  const header = Buffer.alloc(512);
  Buffer.concat([mark, numbers(0, 0, 3, header.length, 4096)]).copy(header);
  const name = Buffer.from(file);
  const sum = name.reduce((total, byte) => total + byte, 0);
  return Buffer.concat([header, numbers(2 ** 18 + 1), name, numbers(name.length, sum), mark]);
}

const foreign = "CREATE TABLE runs (a); INSERT INTO runs VALUES (1); CREATE TABLE other (b)";

describe("an index that is another program's", () => {
  it.each([
    ["with a table of the same name", foreign],
    ["with our version number", `${foreign}; PRAGMA user_version = 3`],
    ["with tables of other names", "CREATE TABLE other (b)"],
    ["that is empty but marked", "PRAGMA application_id = 77"],
    ["that is empty but has a version", "PRAGMA user_version = 3"],
    ["with our table and another", `${schema}; PRAGMA user_version = 3; CREATE TABLE other (b)`],
    [
      "with our table and a trigger",
      `${schema}; PRAGMA user_version = 3; CREATE TRIGGER t AFTER DELETE ON runs BEGIN SELECT 1; END`,
    ],
  ])("%s is left as it is", async (_what, sql) => {
    database(path, sql);
    const before = await readFile(path);
    await expect(listRuns(root)).rejects.toMatchObject({ code: "store/foreign-index" });
    expect(await readFile(path)).toEqual(before);
    expect((await readdir(root)).filter((name) => name.startsWith("index"))).toEqual(["index.sqlite"]);
  });

  it.each([
    "index.sqlite",
    "index.sqlite-wal",
    "index.sqlite-journal",
    "index.sqlite-shm",
  ])("and reached through the link %s is left as it is", async (name) => {
    const other = join(base, "other.db");
    database(other, foreign);
    const before = await readFile(other);
    if (name !== "index.sqlite") await listRuns(root);
    for (const make of [symlink, link]) {
      await rm(join(root, name), { force: true });
      await make(other, join(root, name));
      await expect(listRuns(root)).rejects.toMatchObject({ code: "store/link" });
    }
    expect(await readFile(other)).toEqual(before);
  });

  it("is not deleted where SQLite cannot read it, but put aside", async () => {
    const secret = "another program's format, which is long enough ".repeat(200);
    await writeFile(path, secret);
    expect(await listRuns(root)).toHaveLength(1);
    const aside = (await readdir(root)).find((name) => name.endsWith(".damaged"))!;
    expect(await readFile(join(root, aside), "utf8")).toBe(secret);
  });
});

describe("an index of ours", () => {
  it("is put aside with a journal by which SQLite would delete another file", async () => {
    const other = join(base, "other.txt");
    await writeFile(other, "precious");
    database(path, `${schema}; PRAGMA user_version = 3`);
    const journal = journalNaming(other);
    await writeFile(`${path}-journal`, journal);
    expect(await listRuns(root)).toHaveLength(1);
    expect(await readFile(other, "utf8")).toBe("precious");
    const aside = (await readdir(root)).find((name) => name.endsWith(".damaged-journal"))!;
    expect(await readFile(join(root, aside))).toEqual(journal);
  });

  it("is used as it is, also one without a mark, as they were at first", async () => {
    database(
      path,
      `${schema}; PRAGMA user_version = 3; INSERT INTO runs VALUES ('${run.folder.slice(root.length + 1)}',
      'abc234', 'kept', '', '', '', 'finished', NULL, 1, 1, 1, 1, NULL, NULL, 0, 0, 0, 0, '', '')`,
    );
    expect(await listRuns(root)).toMatchObject([{ name: "kept" }]);
    expect(await listRuns(root)).toMatchObject([{ name: "kept" }]);
    (await openIndexDatabase(path)).close();
  });

  it.each([
    [1, /reason TEXT,|finalRmse REAL,|finalR2 REAL,/g],
    [2, /finalRmse REAL,|finalR2 REAL,/g],
  ])("of version %i, without a mark, is made anew", async (version, later) => {
    database(path, `${schema.replace(later, "")}; PRAGMA user_version = ${version}`);
    expect(await listRuns(root)).toMatchObject([{ id: run.id, reason: null }]);
  });

  it("of another version, or with more in it, is made anew", async () => {
    await listRuns(root);
    database(
      path,
      "PRAGMA user_version = 4; DROP TABLE runs; CREATE VIEW runs AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS folder FROM n",
    );
    expect(await listRuns(root)).toMatchObject([{ id: run.id }]);
    database(path, "CREATE TRIGGER t AFTER DELETE ON runs BEGIN SELECT 1; END");
    expect(await listRuns(root)).toMatchObject([{ id: run.id }]);
  });

  it("that came with a folder does not lead out of it", async () => {
    await listRuns(root);
    const other = await createRunFolder({ root: join(base, "elsewhere"), name: "other" });
    await writeFile(other.paths.config, "");
    const name = other.folder.split("/").at(-1);
    for (const place of [`../elsewhere/${name}`, other.folder, "..", ".", ""]) {
      database(
        path,
        `INSERT INTO runs SELECT '${place}', 'abc235', 'evil', '', '', '', 'finished', NULL, 1, 1, 1, 1, NULL, NULL, 0, 0, 0, 0, 'z', '' FROM runs`,
      );
      expect((await listRuns(root)).map(({ folder }) => folder)).toEqual([run.folder]);
    }
  });

  it("with rows that make no sense is made anew", async () => {
    for (const [column, value] of [
      ["status", "'odd'"],
      ["roundsDone", "9223372036854775807"],
      ["name", "printf('%.*c', 100000, 'x')"],
      ["startedAt", "printf('%.*c', 100000, 'x')"],
    ]) {
      await listRuns(root);
      database(path, `UPDATE runs SET ${column} = ${value}`);
      expect(await listRuns(root)).toMatchObject([{ name: "x", status: "finished", roundsDone: 1 }]);
    }
  });

  it("keeps long texts of events from filling the list", async () => {
    const other = await createRunFolder({ root, name: "long" });
    const long = "x".repeat(5_000_000);
    const [started, ...rest] = exampleEvents({ rounds: 1, run: other.id, name: long });
    const events = [{ ...started, at: `2026-01-01T00:00:00.${"0".repeat(1_000_000)}Z`, model: long }, ...rest];
    await writeFile(other.paths.events, events.map((event) => JSON.stringify(event)).join("\n"));
    for (let look = 0; look < 2; look++) {
      const found = (await listRuns(root)).find(({ id }) => id === other.id);
      expect(found).toMatchObject({ name: long.slice(0, 1000), model: long.slice(0, 1000), status: "finished" });
    }
  });

  it("is kept in memory where it cannot be written", async () => {
    // the same in a folder that the system keeps from being written: cli/foreign-folders.slow.test.ts
    const opened = await openIndexDatabase(join(root, "none", "index.sqlite"));
    expect(opened.location()).toBeNull();
    opened.close();
  });
});
