import { join } from "node:path";
import { type SecureRecord, type SecureRecords, secureRecord } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import { writeAtomically } from "../store/file-system.ts";
import type { ClientFolder } from "./client-folder.ts";

/**
 * What a client remembers of secure aggregation, as `secure/RUN.json` in its folder: on the disk, whole, before the client
 * says what it says because of it.
 *
 * @throws `client/record-damaged`, `store/...`
 */
export function secureRecordsIn({ path: folder, files }: ClientFolder): SecureRecords {
  const pathOf = (run: string) => join(folder, "secure", `${run}.json`);
  return {
    async load(run) {
      const bytes = await files.read(pathOf(run));
      return bytes === undefined ? undefined : parsed(bytes, pathOf(run));
    },
    async save(run, record) {
      await files.makeFolder(join(folder, "secure"));
      await files.syncFolder(folder); // a folder that is lost takes its files with it
      const contents = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
      await writeAtomically(files, pathOf(run), contents, "the record of secure aggregation");
    },
  };
}

function parsed(bytes: Uint8Array, path: string): SecureRecord {
  try {
    return secureRecord.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new AnabranchError({
      code: "client/record-damaged",
      message: "the record of secure aggregation of this client is damaged",
      where: path,
      advice:
        "Restore the file from a copy. Without it the client could help to unmask two sums of one round: do not delete it.",
      cause,
    });
  }
}
