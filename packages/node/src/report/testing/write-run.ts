import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunTexts } from "../run-data.ts";

/** Writes the texts of a run as its folder; for tests. Returns the folder. */
export function writeRun(folder: string, { events, metrics, partition, config }: Required<RunTexts>): string {
  mkdirSync(folder, { recursive: true });
  const files = { "events.jsonl": events, "metrics.csv": metrics, "partition.json": partition, "config.toml": config };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}
