import { randomInt } from "node:crypto";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { AnabranchError } from "@anabranch/engine";
import { hasCode, storageError } from "./file-system.ts";
import { acquireLock, isLocked, type Lock } from "./lock.ts";

/** Where the parts of a run lie. All paths are absolute. */
export interface RunPaths {
  /** The resolved configuration. */
  readonly config: string;
  readonly events: string;
  readonly metrics: string;
  readonly partition: string;
  /** Folder of checkpoints. */
  readonly checkpoints: string;
  /** Folder of state that clients keep between rounds. */
  readonly clientStates: string;
  /** What the model is: its parameters by name, and the data that it takes. */
  readonly modelDescription: string;
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
  readonly folder: string;
  readonly paths: RunPaths;
  /** @throws `run/locked` while another process writes this run */
  lock(): Promise<Lock>;
  /** Whether a living process writes this run. */
  isLocked(): Promise<boolean>;
}

/** Letters and digits that are not mistaken for each other. */
const idAlphabet = "23456789abcdefghjkmnpqrstuvwxyz";
const idLength = 6;

/**
 * Makes a new folder `<root>/<date>-<time>-<name>-<id>`: unique, and sorted by name it is sorted by age.
 *
 * @throws `store/disk-full`, `store/not-writable`
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
    await mkdir(root, { recursive: true });
    for (;;) {
      const folder = join(root, `${prefix}-${shortId()}`);
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
 * Opens the folder of an existing run.
 *
 * @throws `run/not-found` where it is no run's folder
 */
export async function openRunFolder(folder: string): Promise<RunFolder> {
  if (await isRunFolder(folder)) return describe(resolve(folder));
  throw new AnabranchError({
    code: "run/not-found",
    message: "this is not the folder of a run",
    where: resolve(folder),
    expected: "a folder with config.toml or events.jsonl",
    advice: "List the runs with: anabranch list",
  });
}

/** Whether a folder holds a run. */
export async function isRunFolder(folder: string): Promise<boolean> {
  for (const file of ["events.jsonl", "config.toml"]) {
    const found = await stat(join(folder, file)).catch(() => undefined);
    if (found?.isFile() === true) return true;
  }
  return false;
}

/** Writes a whole file of a run. Readers may see it half written: for files that only people read. */
export async function writeRunFile(path: string, contents: string | Uint8Array): Promise<void> {
  try {
    await writeFile(path, contents);
  } catch (error) {
    throw storageError(error, { what: basename(path), path, bytes: contents.length });
  }
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
      checkpoints: path("checkpoints"),
      clientStates: path("client-states"),
      modelDescription: path("model.json"),
      modelSafetensors: path("model.safetensors"),
      modelOnnx: path("model.onnx"),
      modelCard: path("model-card.md"),
      report: path("report.html"),
      charts: path("charts"),
      lock,
    },
    lock: () => acquireLock(lock),
    isLocked: () => isLocked(lock),
  };
}

/** The last part of the folder's name; the whole name where the folder was renamed. */
function idOf(folder: string): string {
  const name = basename(folder);
  const last = name.slice(name.lastIndexOf("-") + 1);
  return last.length === idLength && [...last].every((letter) => idAlphabet.includes(letter)) ? last : name;
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

/** A name as part of a file name on every system. */
function slug(name: string): string {
  const plain = name
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return plain.slice(0, 40).replace(/-+$/, "") || "run";
}
