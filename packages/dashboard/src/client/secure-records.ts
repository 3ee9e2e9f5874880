import { type SecureRecord, type SecureRecords, secureRecord } from "@anabranch/core/live";
import { AnabranchError } from "@anabranch/engine";
import { transact } from "./database.ts";

/** What this browser remembers of secure aggregation, by run. Throws `client/storage`, `client/record-damaged`. */
export function secureRecordsOf(database: IDBDatabase): SecureRecords {
  return {
    async load(run) {
      const kept = await transact<unknown>(database, "secure", "readonly", (store) => store.get(run));
      return kept === undefined ? undefined : parsed(kept, run);
    },
    async save(run, record) {
      await transact(database, "secure", "readwrite", (store) => store.put(record, run));
    },
  };
}

function parsed(kept: unknown, run: string): SecureRecord {
  const { data } = secureRecord.safeParse(kept);
  if (data !== undefined) return data;
  throw new AnabranchError({
    code: "client/record-damaged",
    message: "what this browser remembers of secure aggregation is damaged",
    where: `run ${run}`,
    advice: "Leave the run: without it this client could help to unmask two sums of one round.",
  });
}
