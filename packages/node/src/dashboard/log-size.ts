import { requireSize } from "../store/plain-file.ts";
import type { RunFolder } from "../store/run-folder.ts";

/** Bytes of a log that is read as a whole. */
const largestLog = 2 ** 28;

/** @throws `store/too-large`, `store/link`, `store/not-a-file` */
export async function requireShortLog({ paths, files }: RunFolder): Promise<void> {
  const file = await files.open(paths.events);
  if (file === undefined) return;
  try {
    requireSize((await file.stat()).size, largestLog, paths.events);
  } finally {
    await file.close();
  }
}
