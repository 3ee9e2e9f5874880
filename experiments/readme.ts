/**
 * Writes experiments/README.md from claims.md and results/*.json: `npm run docs:experiments`. With folders of runs it first
 * takes the results of their sweeps: `npm run docs:experiments -- runs`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Spread } from "../packages/node/src/report/comparison.ts";
import { type SweepDocument, sweepMarkdown } from "../packages/node/src/sweep/results.ts";

const here = import.meta.dirname;
const results = join(here, "results");

/** The page that the results, if there are any yet, and the claims make. */
export function experimentsPage(): string {
  const files = existsSync(results) ? readdirSync(results).filter((file) => file.endsWith(".json")) : [];
  const documents = files.sort().map((file) => completed(JSON.parse(readFileSync(join(results, file), "utf8"))));
  return [
    "<!-- Written by `npm run docs:experiments` from claims.md and results/. Change those, not this page. -->",
    "",
    readFileSync(join(here, "claims.md"), "utf8").trimEnd(),
    "",
    ...documents.map((document) => lowered(sweepMarkdown(document, false))),
  ].join("\n");
}

const UNKNOWN_SPREAD: Spread = { mean: null, deviation: null, n: 0 };

/** Results of earlier versions know no settings and no paired differences, and those of all versions no times. */
function completed(document: SweepDocument): SweepDocument {
  const rows = document.rows.map((row) => ({
    ...{ method: row.variant, setting: "", difference: null, target: document.target, seconds: UNKNOWN_SPREAD },
    ...row,
    toTarget: { ...row.toTarget, simulatedSeconds: row.toTarget.simulatedSeconds ?? null },
  }));
  return { ...document, rows };
}

/** Headings one level down, and notes in lines of 100 characters. */
function lowered(markdown: string): string {
  return markdown.replace(/^#/gm, "##").replace(/^- .*$/gm, wrapped);
}

function wrapped(note: string): string {
  const lines = [""];
  for (const word of note.split(" ")) {
    const line = lines.at(-1)!;
    if (line !== "" && line.length + word.length + 1 > 100) lines.push(`  ${word}`);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join("\n");
}

/** Copies the results of the sweeps in a folder of runs, without what belongs to this machine. */
function take(runs: string): void {
  mkdirSync(results, { recursive: true });
  const tables = readdirSync(runs).map((name) => join(runs, name, "table.json"));
  for (const table of tables.filter((path) => existsSync(path))) {
    const document = JSON.parse(readFileSync(table, "utf8")) as SweepDocument;
    const local = new Set(["run", "folder", "seconds"]);
    const portable = (key: string, value: unknown) => {
      if (!local.has(key)) return value;
      return typeof value === "object" && value !== null ? UNKNOWN_SPREAD : null;
    };
    const text = JSON.stringify(document, portable, 1);
    writeFileSync(join(results, `${document.name}.json`), `${text}\n`);
  }
}

if (import.meta.main) {
  for (const runs of process.argv.slice(2)) take(runs);
  writeFileSync(join(here, "README.md"), experimentsPage());
}
