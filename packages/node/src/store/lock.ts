import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, rename, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { AnabranchError } from "@anabranch/engine";
import { diskFileSystem } from "./disk-file-system.ts";
import { openPlain } from "./plain-file.ts";
import { hasCode, storageError } from "./storage-error.ts";

/** Bytes of a lock file: one holder. */
const longestLock = 4096;

/** What a lock file says about its holder. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process started, in the system's own words; tells a process from a later one with the same number. */
  readonly birth: string;
  /** Makes each lock unique. */
  readonly token: string;
}

/** What a lock is for. */
export type Locked = "run" | "sweep" | "ledger" | "identity";

export interface Lock {
  readonly path: string;
  /** Gives the lock back; may be called twice. */
  release(): Promise<void>;
}

/**
 * Takes a lock file, so that two processes cannot write one run, sweep or ledger. The lock of a process that no longer
 * lives is taken over.
 *
 * @param what what is written under the lock, for errors
 * @throws `WHAT/locked` when a living process (or one on another machine, which cannot be asked) holds it, `store/link`,
 *   `store/not-a-file`, `store/not-writable`, `store/read-only`
 * @example
 * ```ts
 * import { acquireLock, isLocked } from "@anabranch/node";
 * import { join } from "node:path";
 * import { mkdtemp } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * const path = join(await mkdtemp(join(tmpdir(), "runs-")), "lock");
 * const lock = await acquireLock(path);
 * await isLocked(path); // => true
 * await lock.release();
 * ```
 */
export async function acquireLock(path: string, what: Locked = "run"): Promise<Lock> {
  const own: Holder = {
    pid: process.pid,
    host: hostname(),
    birth: processBirth(process.pid),
    token: randomBytes(8).toString("hex"),
  };
  const text = JSON.stringify(own);
  // written whole under another name first: a lock is never seen half written
  const draft = `${path}.${own.token}.draft`;
  if (!(await createExclusively(draft, text, path))) throw new Error(`${draft} is there already`);
  try {
    for (let attempt = 0; attempt < 8; attempt++) {
      if (await linkAs(draft, path, text)) return { path, release: () => release(path, own) };
      const seen = await readText(path);
      if (seen === undefined) continue;
      if (seen === "" && attempt < 4) {
        // on disks without links a rival may be between creating and filling it
        await sleep(50);
        continue;
      }
      const holder = parseHolder(seen);
      if (holder !== undefined && isHeld(holder)) throw lockedBy(path, holder, what);
      if (await takeOver(path, seen, draft)) return { path, release: () => release(path, own) };
    }
    throw lockedBy(path, undefined, what);
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Whether a living process holds the lock.
 *
 * @example
 * ```ts
 * import { isLocked } from "@anabranch/node";
 * import { join } from "node:path";
 * import { tmpdir } from "node:os";
 * await isLocked(join(tmpdir(), "no-such-lock")); // => false
 * ```
 */
export async function isLocked(path: string): Promise<boolean> {
  const holder = parseHolder((await readText(path)) ?? "");
  return holder !== undefined && isHeld(holder);
}

/** @param shown the path that an error names */
async function createExclusively(path: string, text: string, shown = path): Promise<boolean> {
  try {
    const file = await openPlain(path, "create");
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw storageError(error, { what: "the lock", path: shown, bytes: text.length });
  }
}

/** A second name for a file, unless that name is taken; a copy where the disk has no links. */
async function linkAs(file: string, name: string, text: string): Promise<boolean> {
  try {
    await link(file, name);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST", "ENOENT")) return false;
    return createExclusively(name, text);
  }
}

/**
 * Puts `draft` in the place of a stale lock. Of several rivals one alone can: the one that made the second name, which
 * the stale lock's text decides. A lock that came into its place since is seen by its text, and stays.
 */
async function takeOver(path: string, stale: string, draft: string): Promise<boolean> {
  const claim = `${path}.${createHash("sha256").update(stale).digest("hex").slice(0, 16)}.stale`;
  if (!(await linkAs(path, claim, stale))) return false;
  try {
    if ((await readText(path)) !== stale) return false;
    await rename(draft, path);
    return true;
  } catch (error) {
    throw storageError(error, { what: "the lock", path });
  } finally {
    await rm(claim, { force: true });
  }
}

async function release(path: string, own: Holder): Promise<void> {
  const text = await readText(path);
  if (parseHolder(text ?? "")?.token === own.token) await rm(path, { force: true });
}

async function readText(path: string): Promise<string | undefined> {
  const bytes = await diskFileSystem.read(path, longestLock);
  return bytes && Buffer.from(bytes).toString("utf8");
}

function parseHolder(text: string): Holder | undefined {
  try {
    const { pid, host, birth, token } = JSON.parse(text) as Partial<Record<keyof Holder, unknown>>;
    if (typeof pid !== "number" || typeof host !== "string") return undefined;
    return { pid, host, birth: String(birth), token: String(token) };
  } catch {
    return undefined;
  }
}

function isHeld(holder: Holder): boolean {
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (hasCode(error, "ESRCH")) return false;
  }
  return processBirth(holder.pid) === holder.birth;
}

/** Start time of a process in clock ticks since boot, with the boot's id; empty where the system does not tell. */
function processBirth(pid: number): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in brackets and may hold spaces; the start time is the 22nd of all.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${boot} ${fields[19] ?? ""}`;
  } catch {
    return "";
  }
}

function lockedBy(path: string, holder: Holder | undefined, what: Locked): AnabranchError {
  const who = holder === undefined ? "another process" : `process ${holder.pid} on ${holder.host}`;
  const wait =
    what === "identity"
      ? "Stop it with Ctrl-C, or give this client a folder of its own with --folder."
      : "Wait for it to end, or stop it with Ctrl-C; its work is saved.";
  return new AnabranchError({
    code: `${what}/locked`,
    message: what === "identity" ? `${who} takes part with this identity` : `${who} is writing this ${what}`,
    where: path,
    advice:
      holder === undefined
        ? `${wait} If none is running, delete this file and those that begin with its name.`
        : holder.host === hostname()
          ? wait
          : "If nothing runs on that machine any more, delete the lock file.",
  });
}
