import { readdir } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { readPlainSync } from "../store/plain-file.ts";

/** A sweep whose result lies in a folder of runs. */
export interface SweepMembers {
  readonly name: string;
  readonly folder: string;
  /** Ids of its runs; those of its tunings apart. */
  readonly runs: ReadonlySet<string>;
  readonly tunings: ReadonlySet<string>;
}

/** Bytes of a table.json at most. */
const largest = 2 ** 26;

const record = z.object({ run: z.string().nullable() });
const tableSchema = z.object({
  name: z.string(),
  rows: z.array(z.object({ runs: z.array(record) })),
  tunings: z.array(z.object({ candidates: z.array(z.object({ run: record.nullable() })) })),
});

/** The sweeps whose results lie in a folder of runs. What cannot be read is left out: its runs are listed one by one. */
export async function listSweeps(root: string): Promise<SweepMembers[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name.startsWith("sweep-"));
  return folders.flatMap((entry) => readSweep(join(root, entry.name)) ?? []);
}

function readSweep(folder: string): SweepMembers | undefined {
  try {
    const text = readPlainSync(join(folder, "table.json"), largest)?.toString("utf8");
    if (text === undefined) return undefined;
    const { name, rows, tunings } = tableSchema.parse(JSON.parse(text));
    const ids = (found: readonly (string | null | undefined)[]) =>
      new Set(found.filter((id) => typeof id === "string" && id !== ""));
    const runs = ids(rows.flatMap((row) => row.runs.map(({ run }) => run)));
    const tried = ids(tunings.flatMap(({ candidates }) => candidates.map(({ run }) => run?.run)));
    return { name, folder, runs: runs as Set<string>, tunings: tried as Set<string> };
  } catch {
    return undefined;
  }
}
