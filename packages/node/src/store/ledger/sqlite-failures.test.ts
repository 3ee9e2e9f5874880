import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, link, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { openLedger } from "./open-ledger.ts";
import { SqlLedger } from "./sql-ledger.ts";
import { SqliteDatabase } from "./sqlite-database.ts";
import { failureOf } from "./testing/failure-of.ts";

const script = fileURLToPath(new URL("./testing/accept-loop.ts", import.meta.url));
const isRoot = process.getuid?.() === 0;
const nobody = isRoot ? { uid: 65_534, gid: 65_534 } : {};

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anabranch-ledger-"));
  path = join(folder, "ledger.sqlite");
});
afterEach(async () => {
  await chmod(folder, 0o755);
  await rm(folder, { recursive: true, force: true });
});

const order = (client: number) => ({ id: `1/${client}/0`, client, version: 1, broadcast: "b".repeat(64) });

/** A ledger with one accepted order, closed again. */
async function madeLedger(orders = 1): Promise<void> {
  const ledger = await openLedger(path, "run");
  for (let client = 0; client < orders; client++) await ledger.giveOrder(order(client));
  await ledger.acceptUpdate("1/0/0", "u");
  await ledger.close();
}

function change(statements: string): void {
  const database = new DatabaseSync(path);
  database.exec(statements);
  database.close();
}

describe("a ledger that others use", () => {
  it("is refused while another process has it open", async () => {
    const child = spawn(process.execPath, [script, path, "run", "1"], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    const opening = openLedger(path, "run");
    await expect(opening).rejects.toThrow(String(child.pid));
    expect(await failureOf(opening)).toBe("ledger/locked");
    child.kill("SIGKILL");
    await once(child, "close");
    await (await openLedger(path, "run")).close();
  });

  it("waits for another program that writes the file, and lets other work run", async () => {
    const ledger = await openLedger(path, "run", { file: 400 });
    await ledger.giveOrder(order(0));
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    let hasRun = false;
    setImmediate(() => {
      hasRun = true;
    });
    expect(await failureOf(ledger.acceptUpdate("1/0/0", "u"))).toBe("ledger/busy");
    expect(hasRun).toBe(true);
    const accepting = ledger.acceptUpdate("1/0/0", "u");
    await sleep(100);
    other.exec("COMMIT");
    other.close();
    expect(await accepting).toBe("accepted");
    await ledger.close();
  });
});

describe("a ledger without room", () => {
  it("keeps what it has, and continues when there is room again", async () => {
    const database = await SqliteDatabase.open(path, "run", 1000);
    const ledger = await SqlLedger.open(database, "run", "holder");
    const limit = (pages: number) => database.transaction((query) => query(`PRAGMA max_page_count = ${pages}`));
    await ledger.giveOrder(order(0));
    await ledger.acceptUpdate("1/0/0", "u");
    // SQLite then reports SQLITE_FULL, as it does on a full disk
    await limit(1);
    let given = 1;
    const fill = async () => {
      for (; given < 1000; given++) await ledger.giveOrder(order(given));
    };
    expect(await failureOf(fill())).toBe("store/disk-full");
    expect(given).toBeLessThan(1000);
    expect(await ledger.order(`1/${given}/0`)).toBeUndefined();
    expect(await ledger.acceptUpdate("1/0/0", "u")).toBe("again");
    await limit(10_000);
    await fill();
    expect(await ledger.acceptUpdate("1/999/0", "v")).toBe("accepted");
    expect(await ledger.order("1/999/0")).toMatchObject({ sequence: 2 });
    await ledger.close();
  });
});

describe("a transaction", () => {
  it("is undone whole where its work fails, and waits for the disk where it does not", async () => {
    const database = await SqliteDatabase.open(path, "run", 1000);
    const ledger = await SqlLedger.open(database, "run", "holder");
    const failing = database.transaction(async (query) => {
      await query("UPDATE runs SET accepted = 7");
      throw new Error("as the test asks");
    });
    await expect(failing).rejects.toThrow("as the test asks");
    await ledger.giveOrder(order(0));
    await ledger.acceptUpdate("1/0/0", "u");
    expect(await ledger.order("1/0/0")).toMatchObject({ sequence: 1 });
    const pragma = (name: string) => database.transaction((query) => query(`PRAGMA ${name}`));
    expect(await pragma("journal_mode")).toEqual([{ journal_mode: "wal" }]);
    expect(await pragma("synchronous")).toEqual([{ synchronous: 3 }]);
    await ledger.close();
  });
});

describe("a ledger that may not be written", () => {
  /** The text of the error of another user, where this one is root and may write everywhere. */
  const asOther = async () => {
    const child = spawn(process.execPath, [script, path, "run", "1"], nobody);
    onTestFinished(() => void child.kill("SIGKILL"));
    let stderr = "";
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    const [status] = await once(child, "close");
    expect(status).toBe(1);
    return stderr;
  };

  it("names the folder that is read-only", async () => {
    await chmod(folder, 0o555);
    expect(await asOther()).toMatch(
      /AnabranchError.*cannot be written \(.*ledger\.sqlite.*EACCES[\s\S]*store\/not-writable/,
    );
  });

  it("names the file that is read-only", async () => {
    await madeLedger();
    await chmod(path, 0o444);
    if (isRoot) await chown(folder, 65_534, 65_534);
    expect(await asOther()).toMatch(/the ledger cannot be written \(.*ledger\.sqlite\)[\s\S]*store\/not-writable/);
  });

  it("is refused in a folder that does not exist, or is a file", async () => {
    await writeFile(join(folder, "file"), "");
    const openIn = (place: string) => failureOf(openLedger(join(folder, place, "ledger"), "run"));
    expect(await openIn("none")).toBe("store/no-folder");
    expect(await openIn("file")).toBe("store/not-a-folder");
  });
});

describe("a ledger that is none of ours, or no more", () => {
  it("is refused and left as it is where the file is something else", async () => {
    await writeFile(path, "no database ".repeat(1000));
    expect(await failureOf(openLedger(path, "run"))).toBe("ledger/damaged");
    expect(await readFile(path, "utf8")).toMatch(/^no database/);
    await rm(path);
    change("CREATE TABLE runs (run TEXT)");
    const before = await readFile(path);
    expect(await failureOf(openLedger(path, "run"))).toBe("ledger/foreign");
    expect(await readFile(path)).toEqual(before);
  });

  it.each([
    ["is cut off", (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ["has pages of something else", (bytes: Buffer) => bytes.fill(0xa5, 4096)],
    ["has one page of zeros", (bytes: Buffer) => bytes.fill(0, bytes.length - 8192, bytes.length - 4096)],
  ])("is refused where the file %s", async (_, damage) => {
    await madeLedger(300);
    await writeFile(path, damage(await readFile(path)));
    expect(await failureOf(openLedger(path, "run"))).toBe("ledger/damaged");
  });

  it("reports rows that make no sense", async () => {
    await madeLedger();
    change("INSERT INTO clients VALUES ('run', 1, 'k', '{}', 'enrolled', '')");
    change("INSERT INTO tokens VALUES ('run', 't', NULL, 9223372036854775807, 0, NULL)");
    change("UPDATE orders SET version = 'x'");
    const ledger = await openLedger(path, "run");
    expect(await failureOf(ledger.clients())).toBe("ledger/damaged");
    expect(await failureOf(ledger.tokens())).toBe("ledger/damaged");
    expect(await failureOf(ledger.order("1/0/0"))).toBe("ledger/damaged");
    await ledger.close();
  });

  it("is refused where a newer version made it, and left as it is", async () => {
    await madeLedger();
    change("UPDATE anabranch_ledger SET version = 99");
    const opening = openLedger(path, "run");
    await expect(opening).rejects.toThrow(/version 99/);
    expect(await failureOf(opening)).toBe("ledger/newer");
    change("UPDATE anabranch_ledger SET version = 3");
    const ledger = await openLedger(path, "run");
    expect(await ledger.acceptUpdate("1/0/0", "u")).toBe("again");
    await ledger.close();
  });

  it("is brought to the newest version where an older one made it", async () => {
    await madeLedger();
    change("ALTER TABLE runs DROP COLUMN newest; ALTER TABLE runs DROP COLUMN newest_broadcast");
    change("ALTER TABLE tokens DROP COLUMN places; ALTER TABLE clients DROP COLUMN token");
    change("UPDATE anabranch_ledger SET version = 1");
    const ledger = await openLedger(path, "run");
    expect(await ledger.acceptUpdate("1/0/0", "u")).toBe("again");
    expect(await ledger.noteVersion(1, "x")).toBe("noted");
    await ledger.close();
  });

  it("is refused behind links, and with a journal by which SQLite would delete another file", async () => {
    const other = join(folder, "other.txt");
    await writeFile(other, "precious");
    await symlink(other, path);
    expect(await failureOf(openLedger(path, "run"))).toBe("store/link");
    await rm(path);
    await link(other, path);
    expect(await failureOf(openLedger(path, "run"))).toBe("store/link");
    await rm(path);
    await mkdir(path);
    expect(await failureOf(openLedger(path, "run"))).toBe("store/not-a-file");
    await rm(path, { recursive: true });
    await madeLedger();
    await writeFile(`${path}-journal`, Buffer.from("d9d505f920a163d7", "hex"));
    expect(await failureOf(openLedger(path, "run"))).toBe("ledger/foreign-journal");
  });
});

describe("an address", () => {
  it.each([
    "",
    "sqlite:",
    "mysql://root:secret@host/x",
    "postgres://a:secret@[b",
    "POSTGRES://x",
  ])("of another kind is refused, and not shown: %j", async (url) => {
    const opening = openLedger(url, "run");
    expect(await failureOf(opening)).toBe("ledger/url");
    await expect(opening).rejects.not.toThrow(/secret/);
  });

  it.each(["", ".", "../x", "a/b", "a b", "a\0", "x".repeat(129)])("refuses the run %j", async (run) => {
    expect(await failureOf(openLedger(path, run))).toBe("ledger/run");
  });
});
