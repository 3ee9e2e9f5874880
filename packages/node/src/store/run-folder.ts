import { randomInt } from "node:crypto";
import { lstat, mkdir, readdir, realpath } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AnabranchError } from "@anabranch/engine";
import { diskFileSystem, fileSystemBelow } from "./disk-file-system.ts";
import { slug } from "./file-name.ts";
import { type FileSystem, replaceFile } from "./file-system.ts";
import { acquireLock, isLocked, type Lock } from "./lock.ts";
import { makeFolders } from "./make-folders.ts";
import { notPlain } from "./plain-file.ts";
import { hasCode, readingError, storageError } from "./storage-error.ts";

/** File of a live run: the token of its operator. Simulated runs have none. */
export const OPERATOR_TOKEN = "operator-token";

/** Where the parts of a run lie. All paths are absolute. */
export interface RunPaths {
  /** The resolved configuration. */
  readonly config: string;
  readonly events: string;
  readonly metrics: string;
  readonly partition: string;
  /** The machine and the commit of the last session. */
  readonly environment: string;
  /** What the final model predicts on the test set, by class. */
  readonly classMetrics: string;
  /** Folder of checkpoints. */
  readonly checkpoints: string;
  /** Folder of state that clients keep between rounds. */
  readonly clientStates: string;
  /** What the model is: its parameters by name, and the data that it takes. */
  readonly modelDescription: string;
  /** Frozen parameters, and the start of personal ones; absent where all parameters travel. */
  readonly heldParameters: string;
  readonly modelSafetensors: string;
  readonly modelOnnx: string;
  readonly modelCard: string;
  readonly report: string;
  /** Folder of SVG files. */
  readonly charts: string;
  readonly lock: string;
}

/** The folder of one run. */
export interface RunFolder {
  /** Short id, the last part of the folder's name. */
  readonly id: string;
  /** Without links, as `realpath` gives it. */
  readonly folder: string;
  readonly paths: RunPaths;
  /** The disk below the folder. Nothing in a run's folder is read or written through a link. */
  readonly files: FileSystem;
  /** @throws `run/locked` while another process writes this run */
  lock(): Promise<Lock>;
  /** Whether a living process writes this run. */
  isLocked(): Promise<boolean>;
}

/** Letters and digits that are not mistaken for each other. */
const idAlphabet = "23456789abcdefghjkmnpqrstuvwxyz";
const idLength = 6;

/** Bytes of a configuration at most. */
export const largestConfig = 2 ** 20;

/** The parts of a run's folder that are folders; all others that Anabranch makes are files. */
const folders = new Set(["checkpoints", "client-states", "charts"]);

/**
 * Makes a new folder `<root>/<date>-<time>-<name>-<id>`: unique, and sorted by name it is sorted by age.
 *
 * @throws `store/disk-full`, `store/not-writable`, `store/read-only`, `store/not-a-folder`
 * @example
 * ```ts
 * import { createRunFolder } from "@anabranch/node";
 * import { join } from "node:path";
 * import { mkdtemp } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * const root = await mkdtemp(join(tmpdir(), "runs-"));
 * const run = await createRunFolder({ root, name: "first" });
 * run.id.length; // => 6
 * ```
 */
export async function createRunFolder(options: {
  readonly root: string;
  readonly name: string;
  /** Time of the name, local; now by default. */
  readonly date?: Date;
}): Promise<RunFolder> {
  const root = resolve(options.root);
  const prefix = `${localStamp(options.date ?? new Date())}-${slug(options.name)}`;
  try {
    await makeFolders(root);
    for (;;) {
      const folder = join(await realpath(root), `${prefix}-${shortId()}`);
      if (!(await makeNew(folder))) continue;
      const run = describe(folder);
      await mkdir(run.paths.checkpoints);
      return run;
    }
  } catch (error) {
    throw storageError(error, { what: "the folder of the run", path: root });
  }
}

/**
 * Opens the folder of an existing run. The folder may be reached through links; what lies in it must be files and
 * folders of its own.
 *
 * @throws `run/not-found` where it is no run's folder, `store/link`, `store/not-a-file`, `store/not-readable`
 * @example
 * ```ts
 * import { createRunFolder, openRunFolder, writeRunFile } from "@anabranch/node";
 * import { join } from "node:path";
 * import { mkdtemp } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * const root = await mkdtemp(join(tmpdir(), "runs-"));
 * const { folder, paths } = await createRunFolder({ root, name: "first" });
 * await writeRunFile(paths.config, 'name = "first"\n');
 * (await openRunFolder(folder)).paths.report.endsWith("report.html"); // => true
 * ```
 */
export async function openRunFolder(folder: string): Promise<RunFolder> {
  if (await isRunFolder(folder)) {
    const run = describe(await realpath(folder));
    await requirePlainEntries(run);
    return run;
  }
  throw new AnabranchError({
    code: "run/not-found",
    message: "this is not the folder of a run",
    where: resolve(folder),
    expected: "a folder with config.toml or events.jsonl",
    advice: "List the runs with: anabranch list",
  });
}

/**
 * Whether a folder holds what belongs to a run, be it damaged.
 *
 * @throws `store/not-readable`
 * @example
 * ```ts
 * import { isRunFolder } from "@anabranch/node";
 * import { tmpdir } from "node:os";
 * await isRunFolder(tmpdir()); // => false
 * ```
 */
export async function isRunFolder(folder: string): Promise<boolean> {
  for (const file of ["events.jsonl", "config.toml"]) {
    try {
      await lstat(join(folder, file));
      return true;
    } catch (error) {
      const known = readingError(error, { what: "the folder of the run", path: resolve(folder) });
      if (known instanceof AnabranchError && known.code === "store/not-readable") throw known;
    }
  }
  return false;
}

/** Refuses folders with links, pipes or devices, and those whose parts are of the wrong kind. */
async function requirePlainEntries({ folder, paths }: RunFolder): Promise<void> {
  const names = new Set(Object.values(paths).map((path) => basename(path)));
  try {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const fits = folders.has(entry.name) ? entry.isDirectory() : entry.isFile();
      const isOther = !names.has(entry.name) && entry.isDirectory();
      if (!fits && !isOther) throw notPlain(join(folder, entry.name), entry);
    }
  } catch (error) {
    throw readingError(error, { what: "the folder of the run", path: folder });
  }
}

/**
 * Replaces a file of a run that is made for people, and can be made anew.
 *
 * @example
 * ```ts
 * import { createRunFolder, isRunFolder, writeRunFile } from "@anabranch/node";
 * import { join } from "node:path";
 * import { mkdtemp } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * const root = await mkdtemp(join(tmpdir(), "runs-"));
 * const { paths, folder } = await createRunFolder({ root, name: "first" });
 * await writeRunFile(paths.config, 'name = "first"\n');
 * await isRunFolder(folder); // => true
 * ```
 */
export async function writeRunFile(
  path: string,
  contents: string | Uint8Array,
  files: FileSystem = diskFileSystem,
): Promise<void> {
  await replaceFile(files, path, typeof contents === "string" ? Buffer.from(contents) : contents);
}

function describe(folder: string): RunFolder {
  const path = (name: string) => join(folder, name);
  const lock = path("lock");
  return {
    id: idOf(folder),
    folder,
    paths: {
      config: path("config.toml"),
      events: path("events.jsonl"),
      metrics: path("metrics.csv"),
      partition: path("partition.json"),
      environment: path("environment.json"),
      classMetrics: path("class-metrics.json"),
      checkpoints: path("checkpoints"),
      clientStates: path("client-states"),
      modelDescription: path("model.json"),
      heldParameters: path("held.safetensors"),
      modelSafetensors: path("model.safetensors"),
      modelOnnx: path("model.onnx"),
      modelCard: path("model-card.md"),
      report: path("report.html"),
      charts: path("charts"),
      lock,
    },
    files: fileSystemBelow(folder),
    lock: () => acquireLock(lock),
    isLocked: () => isLocked(lock),
  };
}

/** The last part of the folder's name; the whole name where the folder was renamed. */
function idOf(folder: string): string {
  const name = basename(folder);
  const last = name.slice(name.lastIndexOf("-") + 1);
  return isRunId(last) ? last : name;
}

/**
 * The id of a run: that of its folder. Where the folder was renamed, the one that its events name, if it is one at all:
 * events may be anybody's, and ids become parts of paths.
 */
export function runIdOf(folder: string, named: string): string {
  const own = idOf(folder);
  return isRunId(own) || !isRunId(named) ? own : named;
}

/** Whether a folder is named as `createRunFolder` names them. */
export function hasRunName(folder: string): boolean {
  return /^\d{8}-\d{6}-.+-/.test(basename(folder)) && idOf(folder) !== basename(folder);
}

function isRunId(text: string): boolean {
  return text.length === idLength && [...text].every((letter) => idAlphabet.includes(letter));
}

async function makeNew(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  }
}

function shortId(): string {
  return Array.from({ length: idLength }, () => idAlphabet[randomInt(idAlphabet.length)]).join("");
}

function localStamp(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`;
  return `${day}-${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
}
