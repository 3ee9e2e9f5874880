import { realpath } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { runStatuses } from "@anabranch/core";
import * as z from "zod";
import { isUnwritable, openIndexDatabase, openMemoryIndex } from "./index-database.ts";
import { makeFolders } from "./make-folders.ts";
import { openRunFolder } from "./run-folder.ts";
import { listRunFolders } from "./run-folders.ts";
import { longestText, RunSummarizer, type RunSummary, unreadableRun } from "./run-summary.ts";
import { storageError } from "./storage-error.ts";

const number = z.custom<number>((value) => typeof value === "number");
const text = z.string().max(longestText);

/** One row. The index may have come with the folder of runs, so rows are checked. */
const rowSchema = z.object({
  folder: z.string(),
  id: z.string(),
  name: text,
  algorithm: text,
  dataset: text,
  model: text,
  status: z.enum(runStatuses),
  reason: text.nullable(),
  roundsDone: number,
  roundsTotal: number,
  finalAccuracy: number.nullable(),
  bestAccuracy: number.nullable(),
  finalRmse: number.nullable(),
  finalR2: number.nullable(),
  bytesDown: number,
  bytesUp: number,
  seconds: number,
  seed: number,
  startedAt: text,
  updatedAt: text,
}) satisfies z.ZodType<RunSummary>;

const columns = rowSchema.keyof().options;

const upsert = `
  INSERT INTO runs (${columns.join(", ")}) VALUES (${columns.map((name) => `:${name}`).join(", ")})
  ON CONFLICT (folder) DO UPDATE SET ${columns.map((name) => `${name} = :${name}`).join(", ")}`;

/**
 * The runs under one folder, in `<root>/index.sqlite`. Everything in it comes from the runs' folders and can be made
 * anew from them. Several processes may use it at once.
 *
 * @example
 * ```ts
 * import { RunIndex } from "@anabranch/node";
 * import { join } from "node:path";
 * import { mkdtemp } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * const index = await RunIndex.open(await mkdtemp(join(tmpdir(), "runs-")));
 * await index.list(); // => []
 * index.close();
 * ```
 */
export class RunIndex {
  readonly root: string;
  #database: DatabaseSync;

  private constructor(root: string, database: DatabaseSync) {
    this.root = root;
    this.#database = database;
  }

  /**
   * Opens the index of a folder of runs, and makes both where they do not exist. An index that is damaged is made anew; one
   * that cannot be written is kept in memory, so that runs on a read-only disk or of another user can be looked at.
   *
   * @throws `store/foreign-index`, `store/link`, `store/not-a-file`, `store/not-a-folder`, `store/not-writable`
   */
  static async open(root: string): Promise<RunIndex> {
    try {
      await makeFolders(root);
      const folder = await realpath(root);
      return new RunIndex(folder, await openIndexDatabase(join(folder, "index.sqlite")));
    } catch (error) {
      throw storageError(error, { what: "the folder of runs", path: resolve(root) });
    }
  }

  /** Writes what is known of one run. Its folder is a sub folder of `root`. */
  update(summary: RunSummary): void {
    const row = Object.fromEntries(columns.map((name) => [name, summary[name]]));
    this.#database.prepare(upsert).run({ ...row, folder: basename(summary.folder) });
  }

  /** All runs, newest first. Folders that came or went since the last look are noticed. */
  async list(): Promise<RunSummary[]> {
    try {
      return await this.#list();
    } catch (error) {
      if (!isUnwritable(error)) throw error;
      // the disk has become full since it was opened
      this.#database.close();
      this.#database = await openMemoryIndex();
      return await this.#list();
    }
  }

  async #list(): Promise<RunSummary[]> {
    const runs: RunSummary[] = [];
    // one after the other, as a look at a run without a log reads its checkpoints
    for (const run of await this.#knownRuns()) runs.push(await this.#checkUnended(run));
    return runs;
  }

  /** Makes the index anew from the folders. Returns the number of runs. */
  async reindex(): Promise<number> {
    const summaries: RunSummary[] = [];
    for (const folder of await listRunFolders(this.root)) summaries.push(await summaryOf(folder));
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

  /** The rows, after folders that came or went; where they make no sense, made anew. */
  async #knownRuns(): Promise<RunSummary[]> {
    await this.#followFolders();
    try {
      return this.#rows();
    } catch {
      await this.reindex();
      return this.#rows();
    }
  }

  #rows(): RunSummary[] {
    const rows = this.#database.prepare("SELECT * FROM runs ORDER BY startedAt DESC, folder DESC").all();
    return rows.map((row) => {
      const summary = rowSchema.parse(row);
      return { ...summary, folder: join(this.root, summary.folder) };
    });
  }

  /**
   * A run whose process was killed could not say so, one that was interrupted may have gone on elsewhere, and one that could
   * not be read may be readable now.
   */
  async #checkUnended(run: RunSummary): Promise<RunSummary> {
    if (!unended.has(run.status)) return run;
    if (run.status === "running" && (await isBeingWritten(run.folder))) return run;
    const summary = await summaryOf(run.folder);
    this.update(summary);
    return summary;
  }

  async #followFolders(): Promise<void> {
    const present = new Set((await listRunFolders(this.root)).map((folder) => basename(folder)));
    // the index may have come with the folder: what it says of places outside is forgotten
    const known = new Set(
      this.#database
        .prepare("SELECT folder FROM runs")
        .all()
        .map(({ folder }) => String(folder)),
    );
    const forget = this.#database.prepare("DELETE FROM runs WHERE folder = ?");
    for (const name of known) if (!present.has(name)) forget.run(name);
    for (const name of present) if (!known.has(name)) this.update(await summaryOf(join(this.root, name)));
  }
}

/** How a run is listed that may be another the next time. */
const unended = new Set<string>(["running", "interrupted", "unreadable"]);

/** One run that cannot be read must not keep the others from being listed; to show it tells why. */
async function summaryOf(folder: string): Promise<RunSummary> {
  try {
    return (await RunSummarizer.ofFolder(folder)).summary;
  } catch {
    return unreadableRun(folder);
  }
}

async function isBeingWritten(folder: string): Promise<boolean> {
  try {
    return await (await openRunFolder(folder)).isLocked();
  } catch {
    return false;
  }
}
