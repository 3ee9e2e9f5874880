import { AnabranchError } from "@anabranch/engine";
import { resultCode } from "../sqlite-files.ts";
import { hasCode, storageError } from "../storage-error.ts";
import { damaged } from "./rows.ts";

/** SQLITE_BUSY: another process is writing the file. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === 5;
}

/** A failure of SQLite as an error a user can act on; other errors come back as they are. */
export function sqliteError(error: unknown, path: string): unknown {
  const code = resultCode(error);
  const received = error instanceof Error ? error.message : String(error);
  const failure = { where: path, received, cause: error };
  switch (code) {
    case 0:
      // an integer that no number of JavaScript holds was not written by a ledger
      if (hasCode(error, "ERR_OUT_OF_RANGE")) return damaged(path, received, error);
      return storageError(error, { what: "the ledger", path });
    case 5:
    case 6:
      return new AnabranchError({
        code: "ledger/busy",
        message: "another program is using the file of the ledger and did not release it in time",
        ...failure,
        advice: "Close programs that have this database open, such as a shell of SQLite, then continue the run.",
      });
    case 3:
    case 8:
      return new AnabranchError({
        code: "store/not-writable",
        message: "the ledger cannot be written",
        ...failure,
        expected: "a file and a folder that this user may write to",
        advice: "Change their permissions, or choose another place for the ledger.",
      });
    case 11:
    case 26:
      return damaged(path, received, error);
    case 13:
      return new AnabranchError({
        code: "store/disk-full",
        message: "there is no room on the disk for the ledger",
        ...failure,
        advice: "What was accepted before is intact. Free space, then continue the run.",
      });
    case 14:
      return new AnabranchError({
        code: "store/not-openable",
        message: "the file of the ledger cannot be opened",
        ...failure,
        advice: "Check that its folder exists and that this user may read and write both.",
      });
    default:
      return new AnabranchError({
        code: "ledger/database",
        message: "SQLite reported a failure of the ledger's file",
        ...failure,
        advice: "What was accepted before is intact. Check the disk and its free space, then continue the run.",
      });
  }
}
