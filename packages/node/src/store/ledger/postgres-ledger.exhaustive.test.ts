import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ledgerCases } from "@anabranch/core/conformance";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openLedger } from "./open-ledger.ts";
import { type Cut, cuttingProxy } from "./testing/cutting-proxy.ts";
import { failureOf } from "./testing/failure-of.ts";
import { killAccepting } from "./testing/kill-accepting.ts";
import { agreesWithModel } from "./testing/ledger-model.ts";
import { login, PostgresServer, whyNoPostgres } from "./testing/postgres-server.ts";

const missing = whyNoPostgres();
if (missing !== undefined) process.stderr.write(`skipped: ${missing}\n`);
const script = fileURLToPath(new URL("./testing/accept-loop.ts", import.meta.url));

let server: PostgresServer;
let databases = 0;
/** Address of a new database. */
async function newDatabase(): Promise<string> {
  const name = `d${databases++}`;
  await server.query(`CREATE DATABASE ${name}`);
  return server.url(name);
}

const order = (client: number) => ({ id: `1/${client}/0`, client, version: 1, broadcast: "b".repeat(64) });

describe.skipIf(missing !== undefined)("PostgreSQL ledger", () => {
  let url: string;
  let runs = 0;
  beforeAll(async () => {
    server = new PostgresServer();
    await server.start();
    url = await newDatabase();
  });
  afterAll(() => server.remove());

  const create = async () => {
    const run = `run-${runs++}`;
    return () => openLedger(url, run);
  };
  for (const { name, run } of ledgerCases(create)) it(name, run);

  it("agrees with the model after random calls, several at once", () => agreesWithModel(create, { plans: 40 }));

  it("has every reported acceptance once after its process is killed", async () => {
    const { reported } = await killAccepting(await newDatabase(), 12);
    expect(reported).toBeGreaterThan(12);
  });

  it("makes its tables once when many runs are opened at the same time", async () => {
    for (let i = 0; i < 8; i++) {
      const database = await newDatabase();
      const ledgers = await Promise.all(Array.from({ length: 8 }, (_, index) => openLedger(database, `run-${index}`)));
      for (const ledger of ledgers) await ledger.giveOrder(order(1));
      for (const ledger of ledgers) expect(await ledger.acceptUpdate("1/1/0", "u")).toBe("accepted");
      await Promise.all(ledgers.map((ledger) => ledger.close()));
    }
  });

  it("waits for the disk even where the server is set up not to", async () => {
    await server.query("ALTER DATABASE d0 SET synchronous_commit = off");
    const { PostgresConnection } = await import("./postgres-connection.ts");
    const connection = await PostgresConnection.open(url, "");
    expect(await connection.query("SHOW synchronous_commit")).toEqual([{ synchronous_commit: "on" }]);
    await connection.close();
  });
});

describe.skipIf(missing !== undefined)("a PostgreSQL that fails", () => {
  let folder: string;
  beforeAll(async () => {
    server = new PostgresServer();
    await server.start();
    folder = await mkdtemp(join(tmpdir(), "anabranch-cut-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
    await server.remove();
  });
  let proxy: { close(): Promise<void> } | undefined;
  afterEach(() => proxy?.close());

  /** Opens a ledger behind a proxy that cuts each connection whose bytes `decide` picks. */
  async function behindProxy(decide: (sent: string) => Cut) {
    const url = await newDatabase();
    proxy = await cuttingProxy(folder, server.socket, decide);
    const cut = url.replace(encodeURIComponent(server.folder), encodeURIComponent(folder));
    return { url, ledger: await openLedger(cut, "run", { connection: 20_000 }) };
  }

  it("is reported when it is down at the start, without its password", async () => {
    const opening = openLedger(`postgres://${login}@${encodeURIComponent(join(folder, "none"))}/x`, "run");
    expect(await failureOf(opening)).toBe("ledger/unreachable");
    await expect(opening).rejects.not.toThrow(/a@b|a%40b/);
    expect(await failureOf(openLedger("postgres://a:b@127.0.0.1:1/x", "run"))).toBe("ledger/unreachable");
  });

  it("is reported when it refuses the login, or has no such database", async () => {
    expect(await failureOf(openLedger(server.url("postgres", "tester:wrong"), "run"))).toBe("ledger/login");
    expect(await failureOf(openLedger(server.url("none"), "run"))).toBe("ledger/no-database");
  });

  it("is reported when the user may not write, or the server takes no writes", async () => {
    await newDatabase();
    const name = `d${databases - 1}`;
    await server.query("CREATE ROLE guest LOGIN PASSWORD 'x'");
    expect(await failureOf(openLedger(server.url(name, "guest:x"), "run"))).toBe("store/not-writable");
    await server.query("CREATE SCHEMA anabranch AUTHORIZATION guest", name);
    await (await openLedger(server.url(name, "guest:x"), "run")).close();
    await server.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    expect(await failureOf(openLedger(server.url(name), "run"))).toBe("store/read-only");
  });

  it("is refused with tables of a newer version", async () => {
    const url = await newDatabase();
    await (await openLedger(url, "run")).close();
    await server.query("UPDATE anabranch.anabranch_ledger SET version = 99", `d${databases - 1}`);
    expect(await failureOf(openLedger(url, "run"))).toBe("ledger/newer");
  });

  it("names who has the ledger open, and lets the next in once that process is killed", async () => {
    const url = await newDatabase();
    const child = spawn(process.execPath, [script, url, "run", "1"], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    const opening = openLedger(url, "run");
    await expect(opening).rejects.toThrow(`anabranch ${child.pid}@`);
    expect(await failureOf(opening)).toBe("ledger/locked");
    const next = openLedger(url, "run");
    child.kill("SIGKILL");
    await (await next).close();
  });

  it.each([
    "before",
    "after",
  ] as const)("accepts once where the connection is cut %s a commit arrives", async (when) => {
    let armed = false;
    const { ledger } = await behindProxy((sent) => {
      if (!armed || !sent.includes("COMMIT\0")) return undefined;
      armed = false;
      return when;
    });
    for (let client = 0; client < 10; client++) {
      armed = true;
      await ledger.giveOrder(order(client));
      armed = true;
      expect(await ledger.acceptUpdate(`1/${client}/0`, `u${client}`)).toBe("accepted");
      expect(armed).toBe(false);
      armed = true;
      expect(await ledger.acceptUpdate(`1/${client}/0`, `u${client}`)).toBe("again");
      expect(await ledger.acceptUpdate(`1/${client}/0`, "v")).toBe("other");
      expect(await ledger.order(`1/${client}/0`)).toMatchObject({ sequence: client + 1 });
    }
    armed = true;
    // with the refused one, which no order names
    const uploaded = [...Array.from({ length: 10 }, (_, client) => `u${client}`), "v"];
    expect([...(await ledger.forgetBefore(2))].sort()).toEqual(uploaded);
    armed = true;
    expect(await ledger.forgetBefore(2)).toEqual([]);
    await ledger.close();
  });

  it("accepts each update once where the server ends connections at random", async () => {
    const url = await newDatabase();
    const ledger = await openLedger(url, "run");
    let ended = 0;
    const accepting = Array.from({ length: 200 }, async (_, client) => {
      await ledger.giveOrder(order(client));
      return ledger.acceptUpdate(`1/${client}/0`, `u${client}`);
    });
    const work = Promise.all(accepting);
    let isDone = false;
    void work.finally(() => {
      isDone = true;
    });
    while (!isDone) {
      const rows = await server.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = 'd${databases - 1}' AND application_name LIKE 'anabranch%'`,
      );
      ended += rows.length;
      await sleep(40);
    }
    expect(new Set(await work)).toEqual(new Set(["accepted"]));
    expect(ended).toBeGreaterThan(2);
    const sequences = await Promise.all(
      Array.from({ length: 200 }, async (_, client) => (await ledger.order(`1/${client}/0`))?.sequence ?? 0),
    );
    expect(sequences.sort((a, b) => a - b)).toEqual(sequences.map((_, index) => index + 1));
    await ledger.close();
  });

  it("is waited for while it crashes and restarts, and given up after the deadline", async () => {
    const url = await newDatabase();
    const ledger = await openLedger(url, "run", { connection: 15_000 });
    const hasty = await openLedger(url, "hasty", { connection: 300 });
    await hasty.giveOrder(order(1));
    for (let client = 0; client < 3; client++) {
      await ledger.giveOrder(order(client));
      await server.stop("quit");
      const accepting = ledger.acceptUpdate(`1/${client}/0`, "u");
      expect(await failureOf(hasty.acceptUpdate("1/1/0", "u"))).toBe("ledger/unreachable");
      await server.start();
      expect(await accepting).toBe("accepted");
    }
    // what was given up is no reason to give up for good
    expect(await hasty.acceptUpdate("1/1/0", "u")).toBe("accepted");
    await server.stop("quit");
    const waiting = failureOf(ledger.clients());
    await sleep(200);
    await Promise.all([ledger.close(), hasty.close()]);
    expect(await waiting).toBe("ledger/unreachable");
    await server.start();
  });

  it("does not write on where another process had the ledger since", async () => {
    let isCut = false;
    const { url, ledger } = await behindProxy(() => (isCut ? "before" : undefined));
    await ledger.giveOrder(order(1));
    isCut = true;
    const accepting = ledger.acceptUpdate("1/1/0", "u");
    await sleep(300);
    const other = await openLedger(url, "run");
    isCut = false;
    expect(await failureOf(accepting)).toBe("ledger/taken");
    await other.close();
    expect(await failureOf(ledger.acceptUpdate("1/1/0", "u"))).toBe("ledger/taken");
    expect(await failureOf(ledger.clients())).toBe("ledger/taken");
    await ledger.close();
  });
});
