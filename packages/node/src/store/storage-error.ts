import { AnabranchError } from "@anabranch/engine";

/** A file or folder that an operation was about, for errors. */
export interface Place {
  /** e.g. "the checkpoint of round 3" */
  readonly what: string;
  readonly path: string;
  /** How much was to be written. */
  readonly bytes?: number;
  /** Whose folder it is; default: a run's. */
  readonly of?: "client";
}

/**
 * A failed write as an error a user can act on; errors of other kinds come back as they are.
 *
 * @example
 * ```ts
 * import { AnabranchError } from "@anabranch/core";
 * import { storageError } from "@anabranch/node";
 * const full = Object.assign(new Error("no space left"), { code: "ENOSPC" });
 * const error = storageError(full, { what: "the model", path: "model.onnx" });
 * (error as AnabranchError).code; // => "store/disk-full"
 * ```
 */
export function storageError(error: unknown, { what, path, bytes, of }: Place): unknown {
  if (!hasCode(error)) return error;
  const text = bytes === undefined ? what : `${what} (${bytes} bytes)`;
  const known = writeFailure(error.code, text, of === "client" ? forClient : forRun);
  return known === undefined
    ? error
    : new AnabranchError({ where: path, received: error.code, ...known, cause: error });
}

/** A failed look at a file or folder as an error a user can act on; errors of other kinds come back as they are. */
export function readingError(error: unknown, { what, path }: Place): unknown {
  if (hasCode(error, "EACCES", "EPERM")) {
    return new AnabranchError({
      code: "store/not-readable",
      message: `${what} cannot be read`,
      where: path,
      received: error.code,
      expected: "a folder and files that this user may read",
      advice: "Ask its owner for permission to read, or for a copy.",
      cause: error,
    });
  }
  if (hasCode(error, "ENOTDIR")) return new AnabranchError({ where: path, ...notAFolder(what, forRun), cause: error });
  return error;
}

/** Whether an error of the system has one of the given codes; with none given, whether it has any. */
export function hasCode(error: unknown, ...codes: string[]): error is Error & { code: string } {
  if (!(error instanceof Error) || error instanceof AnabranchError) return false;
  return "code" in error && typeof error.code === "string" && (codes.length === 0 || codes.includes(error.code));
}

interface Known {
  readonly code: string;
  readonly message: string;
  readonly expected?: string;
  readonly advice: string;
}

/** What to do, by whose folder it is. */
type Advice = typeof forRun;

const forRun = {
  full: "What was saved before is intact. Free space, then continue with: anabranch resume RUN (a live run: serve --resume RUN)",
  readOnly: "Choose another folder of runs with --runs, or copy the run to one and continue there.",
  permission:
    "Change its permissions, or choose another folder with --runs; a run of another user can be copied and continued in the copy.",
  folder: "Choose another folder, such as with --runs.",
};

const forClient: Advice = {
  full: "Free space, then join again: the server gives the same task.",
  readOnly: "Choose another folder with --folder.",
  permission: "Change its permissions, or choose another folder with --folder.",
  folder: "Choose another folder with --folder.",
};

function writeFailure(code: string, what: string, advice: Advice): Known | undefined {
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return {
        code: "store/disk-full",
        message: `there is no room on the disk for ${what}`,
        advice: advice.full,
      };
    case "EROFS":
      return {
        code: "store/read-only",
        message: `${what} cannot be written: the disk is mounted read-only`,
        expected: "a folder on a disk that can be written to",
        advice: advice.readOnly,
      };
    case "EACCES":
    case "EPERM":
      return {
        code: "store/not-writable",
        message: `${what} cannot be written`,
        expected: "a folder that this user may write to",
        advice: advice.permission,
      };
    case "ENOTDIR":
    case "EEXIST":
      return notAFolder(what, advice);
    case "ENOENT":
      return {
        code: "store/no-folder",
        message: `${what} cannot be written: its folder does not exist`,
        expected: "a folder that stays as long as it is used",
        advice: advice.folder,
      };
    case "ENAMETOOLONG":
      return {
        code: "store/name-too-long",
        message: `${what} has a name that is too long for the disk`,
        advice: "Choose a shorter one.",
      };
    default:
      return undefined;
  }
}

function notAFolder(what: string, { folder: advice }: Advice): Known {
  return {
    code: "store/not-a-folder",
    message: `${what} cannot be used: there is a file in place of a folder`,
    expected: "a folder, or a name that is not taken",
    advice,
  };
}
