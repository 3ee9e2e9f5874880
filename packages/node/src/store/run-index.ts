import { mkdir, readdir, rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { storageError } from "./file-system.ts";
import { isRunFolder, openRunFolder } from "./run-folder.ts";
import { RunSummarizer, type RunSummary } from "./run-summary.ts";

/** Changes when the table does; an index of another version is made anew from the folders. */
const schemaVersion = 2;

const schema = `
  CREATE TABLE IF NOT EXISTS runs (
    folder TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    dataset TEXT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    roundsDone INTEGER NOT NULL,
    roundsTotal INTEGER NOT NULL,
    finalAccuracy REAL,
    bestAccuracy REAL,
    bytesDown REAL NOT NULL,
    bytesUp REAL NOT NULL,
    seconds REAL NOT NULL,
    seed REAL NOT NULL,
    startedAt TEXT NOT NULL,
    updatedAt TEXT NOT NULL
  ) STRICT`;

const columns = [
  "folder",
  "id",
  "name",
  "algorithm",
  "dataset",
  "model",
  "status",
  "reason",
  "roundsDone",
  "roundsTotal",
  "finalAccuracy",
  "bestAccuracy",
  "bytesDown",
  "bytesUp",
  "seconds",
  "seed",
  "startedAt",
  "updatedAt",
] as const satisfies readonly (keyof RunSummary)[];

const upsert = `
  INSERT INTO runs (${columns.join(", ")}) VALUES (${columns.map((name) => `:${name}`).join(", ")})
  ON CONFLICT (folder) DO UPDATE SET ${columns.map((name) => `${name} = :${name}`).join(", ")}`;

/**
 * The runs under one folder, in `<root>/index.sqlite`. Everything in it comes from the runs' folders and can be made
 * anew from them. Several processes may use it at once.
 */
export class RunIndex {
  readonly root: string;
  readonly #database: DatabaseSync;

  private constructor(root: string, database: DatabaseSync) {
    this.root = root;
    this.#database = database;
  }

  /**
   * Opens the index of a folder of runs, and makes both where they do not exist. An index that cannot be read is made
   * anew.
   *
   * @throws `store/disk-full`, `store/not-writable`
   */
  static async open(root: string): Promise<RunIndex> {
    const folder = resolve(root);
    const path = join(folder, "index.sqlite");
    try {
      await mkdir(folder, { recursive: true });
      return new RunIndex(folder, await openDatabase(path));
    } catch (error) {
      throw storageError(error, { what: "the index of runs", path });
    }
  }

  /** Writes what is known of one run. Its folder is a sub folder of `root`. */
  update(summary: RunSummary): void {
    const row = Object.fromEntries(columns.map((name) => [name, summary[name]]));
    this.#database.prepare(upsert).run({ ...row, folder: basename(summary.folder) });
  }

  /** All runs, newest first. Folders that came or went since the last look are noticed. */
  async list(): Promise<RunSummary[]> {
    await this.#followFolders();
    const runs = this.#rows();
    return Promise.all(runs.map((run) => this.#checkUnended(run)));
  }

  /** Makes the index anew from the folders. Returns the number of runs. */
  async reindex(): Promise<number> {
    const summaries: RunSummary[] = [];
    for (const folder of await this.#folders()) summaries.push((await RunSummarizer.ofFolder(folder)).summary);
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      this.#database.exec("DELETE FROM runs");
      for (const summary of summaries) this.update(summary);
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
    return summaries.length;
  }

  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #rows(): RunSummary[] {
    const rows = this.#database.prepare("SELECT * FROM runs ORDER BY startedAt DESC, folder DESC").all();
    return rows.map((row) => ({ ...row, folder: join(this.root, String(row.folder)) }) as unknown as RunSummary);
  }

  /** A run whose process was killed could not say so, and one that was interrupted may have gone on elsewhere. */
  async #checkUnended(run: RunSummary): Promise<RunSummary> {
    if (run.status !== "running" && run.status !== "interrupted") return run;
    const folder = await openRunFolder(run.folder);
    if (run.status === "running" && (await folder.isLocked())) return run;
    const { summary } = await RunSummarizer.ofFolder(run.folder);
    this.update(summary);
    return summary;
  }

  async #followFolders(): Promise<void> {
    const present = new Set((await this.#folders()).map((folder) => basename(folder)));
    const known = new Set(this.#rows().map((run) => basename(run.folder)));
    const forget = this.#database.prepare("DELETE FROM runs WHERE folder = ?");
    for (const name of known) if (!present.has(name)) forget.run(name);
    for (const name of present) {
      if (!known.has(name)) this.update((await RunSummarizer.ofFolder(join(this.root, name))).summary);
    }
  }

  async #folders(): Promise<string[]> {
    const entries = await readdir(this.root, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(this.root, entry.name));
    const runs = await Promise.all(folders.map(isRunFolder));
    return folders.filter((_, i) => runs[i]);
  }
}

async function openDatabase(path: string): Promise<DatabaseSync> {
  try {
    return prepare(path);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    for (const suffix of ["", "-wal", "-shm"]) await rm(path + suffix, { force: true });
    return prepare(path);
  }
}

function prepare(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 10_000 });
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE");
    const version = Number(database.prepare("PRAGMA user_version").get()?.user_version);
    if (version !== schemaVersion) database.exec(`DROP TABLE IF EXISTS runs; PRAGMA user_version = ${schemaVersion}`);
    database.exec(`${schema}; COMMIT`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
function isDamaged(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && (error.errcode === 11 || error.errcode === 26);
}
