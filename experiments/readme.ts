/**
 * Writes experiments/README.md from claims.md and results/*.json: `npm run docs:experiments`. With folders of runs it first
 * takes the results of their sweeps: `npm run docs:experiments -- runs`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type SweepDocument, sweepMarkdown } from "../packages/node/src/sweep/results.ts";

const here = import.meta.dirname;
const results = join(here, "results");

/** The page that the results, if there are any yet, and the claims make. */
export function experimentsPage(): string {
  const files = existsSync(results) ? readdirSync(results).filter((file) => file.endsWith(".json")) : [];
  const documents = files.sort().map((file) => JSON.parse(readFileSync(join(results, file), "utf8")) as SweepDocument);
  return [
    "<!-- Written by `npm run docs:experiments` from claims.md and results/. Change those, not this page. -->",
    "",
    readFileSync(join(here, "claims.md"), "utf8").trimEnd(),
    "",
    ...documents.map((document) => lowered(sweepMarkdown(document, false))),
  ].join("\n");
}

/** Headings one level down. */
function lowered(markdown: string): string {
  return markdown.replace(/^#/gm, "##");
}

/** Copies the results of the sweeps in a folder of runs, without what belongs to this machine. */
function take(runs: string): void {
  mkdirSync(results, { recursive: true });
  const tables = readdirSync(runs).map((name) => join(runs, name, "table.json"));
  for (const table of tables.filter((path) => existsSync(path))) {
    const document = JSON.parse(readFileSync(table, "utf8")) as SweepDocument;
    const local = new Set(["run", "folder", "seconds"]);
    const text = JSON.stringify(
      document,
      (key, value) => (local.has(key) && typeof value !== "object" ? null : value),
      1,
    );
    writeFileSync(join(results, `${document.name}.json`), `${text}\n`);
  }
}

if (import.meta.main) {
  for (const runs of process.argv.slice(2)) take(runs);
  writeFileSync(join(here, "README.md"), experimentsPage());
}
