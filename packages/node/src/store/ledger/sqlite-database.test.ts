import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SqliteDatabase } from "./sqlite-database.ts";

let folder: string;
let database: SqliteDatabase;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-sqlite-"));
  database = await SqliteDatabase.open(join(folder, "ledger.sqlite"), "run", 1000);
  await database.transaction((query) => query("CREATE TABLE t (n INTEGER PRIMARY KEY)"));
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const insert = (n: number) => database.transaction((query) => query("INSERT INTO t VALUES (?)", n));
const stored = async () => (await database.transaction((query) => query("SELECT n FROM t"))).map(({ n }) => n);

describe("transactions that share a commit", () => {
  it("are undone one by one", async () => {
    const failing = database.transaction(async (query) => {
      await query("INSERT INTO t VALUES (2)");
      throw new Error("changed its mind");
    });
    const ends = await Promise.allSettled([insert(1), failing, insert(3), insert(3), insert(4)]);
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "rejected", "fulfilled"]);
    expect(await stored()).toEqual([1, 3, 4]);
  });

  it("run in the order of their calls, and later ones see what earlier ones wrote", async () => {
    const seen = await Promise.all([insert(1), stored(), insert(2), stored()]);
    expect([seen[1], seen[3]]).toEqual([[1], [1, 2]]);
  });

  it("all fail where the commit fails", async () => {
    const broken = database.transaction((query) => query("ROLLBACK"));
    const ends = await Promise.allSettled([insert(1), broken, insert(2)]);
    expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(await stored()).toEqual([]);
  });

  it("fail, and later ones do not, where the commit cannot be undone at once either", async () => {
    const { exec } = DatabaseSync.prototype;
    const failing = new Set(["COMMIT", "ROLLBACK"]);
    const broken = vi.spyOn(DatabaseSync.prototype, "exec").mockImplementation(function (
      this: DatabaseSync,
      statement,
    ) {
      if (failing.delete(statement)) throw new Error(`no ${statement}`);
      exec.call(this, statement);
    });
    try {
      await expect(insert(1)).rejects.toThrow("no COMMIT");
      await insert(2);
    } finally {
      broken.mockRestore();
    }
    expect(await stored()).toEqual([2]);
  });
});
