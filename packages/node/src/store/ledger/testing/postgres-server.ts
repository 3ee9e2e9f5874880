import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

/** User and password of the private server. */
export const login = "tester:a%40b";

/** Folder of PostgreSQL's programs as Debian installs them; undefined where it is not installed. */
const programs = globSync("/usr/lib/postgresql/*/bin/initdb").map(dirname).sort().at(-1);

/** Why no server can be started here; undefined where one can. */
export function whyNoPostgres(): string | undefined {
  if (programs === undefined) return "PostgreSQL is not installed (no initdb in /usr/lib/postgresql/*/bin)";
  return process.platform === "linux" ? undefined : "the private server of PostgreSQL is tried on Linux only";
}

/** A private server of PostgreSQL in a temporary folder, reached by a Unix socket there; never run as root. */
export class PostgresServer {
  /** Of the socket. */
  readonly folder: string;
  readonly #data: string;
  readonly #user: { uid?: number; gid?: number };
  #process: ReturnType<typeof spawn> | undefined;

  constructor() {
    this.#user = process.getuid?.() === 0 ? unprivileged() : {};
    this.folder = mkdtempSync(join(tmpdir(), "anabranch-pg-"));
    this.#data = join(this.folder, "data");
    const password = join(this.folder, "password");
    writeFileSync(password, "a@b\n");
    for (const path of [this.folder, password]) {
      if (this.#user.uid !== undefined) chownSync(path, this.#user.uid, this.#user.gid!);
    }
    const { status, stderr } = spawnSync(
      join(programs!, "initdb"),
      ["-D", this.#data, "-U", "tester", "--pwfile", password, "-A", "scram-sha-256", "-E", "UTF8", "--locale", "C"],
      { ...this.#user, cwd: this.folder, encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`initdb failed: ${stderr}`);
  }

  /** Path of its Unix socket. */
  get socket(): string {
    return join(this.folder, ".s.PGSQL.5432");
  }

  url(database = "postgres", user = login): string {
    return `postgres://${user}@${encodeURIComponent(this.folder)}/${database}`;
  }

  async start(): Promise<void> {
    const settings = ["listen_addresses=", `unix_socket_directories=${this.folder}`, "max_connections=20"];
    this.#process = spawn(
      join(programs!, "postgres"),
      ["-D", this.#data, ...settings.flatMap((setting) => ["-c", setting])],
      {
        ...{ ...this.#user, cwd: this.folder, stdio: "ignore" },
      },
    );
    for (let tries = 0; tries < 300; tries++, await sleep(100)) {
      if (await this.query("SELECT 1").catch(() => undefined)) return;
      if (this.#process.exitCode !== null) break;
    }
    throw new Error("PostgreSQL did not start");
  }

  /** `quit`: at once and without saving, as in a crash; `interrupt`: in order, connections are ended. */
  async stop(how: "quit" | "interrupt" = "interrupt"): Promise<void> {
    const running = this.#process;
    this.#process = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill(how === "quit" ? "SIGQUIT" : "SIGINT");
    await ended;
  }

  /** Rows of one statement by a connection of its own. */
  async query(statement: string, database = "postgres"): Promise<Record<string, unknown>[]> {
    const client = new pg.Client(this.url(database));
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement)).rows;
    } finally {
      await client.end();
    }
  }

  async remove(): Promise<void> {
    await this.stop("quit");
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { uid: number; gid: number } {
  const id = (option: string) => Number(spawnSync("id", [option, "postgres"], { encoding: "utf8" }).stdout);
  return { uid: id("-u") || 65_534, gid: id("-g") || 65_534 };
}
