import { realpath } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AnabranchError } from "@anabranch/engine";
import { listRunFolders } from "../store/run-folders.ts";
import { type RunSummary, unreadableRun } from "../store/run-summary.ts";
import { hasCode } from "../store/storage-error.ts";
import type { ListedRun, RunList } from "./run-list.ts";
import { WatchedRun } from "./watched-run.ts";

/** What the list may take of one request, in milliseconds: long logs are read over several. */
const budgetMs = 1000;

/** How long a run that cannot be read is left alone, in milliseconds: to find that out may have taken a while. */
const pauseMs = 60_000;

/**
 * The runs below a folder, as often as somebody looks. Nothing is written, no run keeps others from being listed, and what
 * was read once stays in memory as a few numbers.
 */
export class RunsList {
  readonly #watched = new Map<string, WatchedRun>();
  /** When runs that could not be read are tried again. */
  readonly #unreadable = new Map<string, number>();

  readonly #avoided: ReadonlySet<string>;
  readonly #onRun: (name: string | undefined) => void;

  /**
   * @param avoided names of runs that are not read
   * @param onRun told which run is read next
   */
  constructor(avoided: ReadonlySet<string>, onRun: (name: string | undefined) => void) {
    this.#avoided = avoided;
    this.#onRun = onRun;
  }

  /** @throws `store/not-a-folder`, `store/not-readable` */
  async read(root: string): Promise<RunList> {
    const names = await runNames(root);
    for (const name of this.#watched.keys()) if (!names.includes(name)) this.#watched.delete(name);
    const due = performance.now() + budgetMs;
    const runs: ListedRun[] = [];
    for (const name of this.#shortestFirst(names)) {
      this.#onRun(name);
      runs.push(this.#avoided.has(name) ? unreadable(root, name) : await this.#look(root, name, due));
    }
    this.#onRun(undefined);
    const pending = runs.filter(({ status }) => status === "reading").length;
    return { root: resolve(root), runs: runs.sort(newestFirst), pending };
  }

  /** A long log must not keep short ones waiting. */
  #shortestFirst(names: readonly string[]): string[] {
    const left = (name: string) => this.#watched.get(name)?.bytesLeft ?? 0;
    return names.toSorted((a, b) => left(a) - left(b));
  }

  async #look(root: string, name: string, due: number): Promise<ListedRun> {
    if ((this.#unreadable.get(name) ?? 0) > performance.now()) return unreadable(root, name);
    try {
      const run = this.#watched.get(name) ?? (await WatchedRun.open(join(await realpath(root), name), name));
      this.#watched.set(name, run);
      if (performance.now() < due) await run.catchUp(due);
      if (!run.isOver) return await run.listed();
      this.#watched.delete(name);
      return await this.#look(root, name, due);
    } catch {
      // to open it reports why
      this.#watched.delete(name);
      this.#unreadable.set(name, performance.now() + pauseMs);
      return unreadable(root, name);
    }
  }
}

function unreadable(root: string, name: string): ListedRun {
  const summary: RunSummary = unreadableRun(join(resolve(root), name));
  return { ...summary, folder: name, privacy: "", testNote: "" };
}

function newestFirst(a: ListedRun, b: ListedRun): number {
  const [first, second] = [a.startedAt || a.folder, b.startedAt || b.folder];
  return first < second ? 1 : first > second ? -1 : 0;
}

/** A folder that is missing holds no runs. */
export async function runNames(root: string): Promise<string[]> {
  try {
    return (await listRunFolders(root)).map((folder) => basename(folder));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw withOwnAdvice(error);
  }
}

/** The folder is an argument of the dashboard's command, not the --runs of the others. */
function withOwnAdvice(error: unknown): unknown {
  if (!(error instanceof AnabranchError) || error.code !== "store/not-a-folder") return error;
  const advice = "Choose a folder, such as with: anabranch dashboard FOLDER";
  return new AnabranchError({ ...error.failure, advice, cause: error });
}
