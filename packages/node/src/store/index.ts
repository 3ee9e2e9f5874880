export { openDiskBlobStore } from "./disk-blob-store.ts";
export { diskFileSystem, fileSystemBelow } from "./disk-file-system.ts";
export { readEvents } from "./event-lines.ts";
export { EventLog } from "./event-log.ts";
export { type FileSystem, type OpenFile, storageError, writeAtomically } from "./file-system.ts";
export { findRun, listRuns } from "./find-run.ts";
export { type LedgerPatience, openLedger } from "./ledger/open-ledger.ts";
export { acquireLock, isLocked, type Lock } from "./lock.ts";
export {
  createRunFolder,
  isRunFolder,
  openRunFolder,
  type RunFolder,
  type RunPaths,
  writeRunFile,
} from "./run-folder.ts";
export { RunIndex } from "./run-index.ts";
export type { RunSummary } from "./run-summary.ts";
