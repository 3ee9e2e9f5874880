import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readText, root } from "../source-files.ts";
import { type Finding, filesWithTexts, findingsIn, type Rule, rules } from "./findings.ts";

/** How often a file breaks each rule; files and rules that are not listed: never. */
export type Counts = Readonly<Record<string, Readonly<Partial<Record<Rule, number>>>>>;

const TABLE = "tests/wording/known.json";
const LOWER = "node tests/wording/known.ts";

/** What was wrong when the rules were made and is not corrected yet. It may only shrink. */
export function knownCounts(): Counts {
  return JSON.parse(readText(TABLE)) as Counts;
}

/** What differs from the known counts, each with what to do: nothing where the texts and the table are in step. */
export function differences(findings: readonly Finding[], known: Counts): string[] {
  const paths = [...new Set([...findings.map(({ path }) => path), ...Object.keys(known)])].sort();
  return paths.flatMap((path) =>
    rules.flatMap((rule) => {
      const found = findings.filter((one) => one.path === path && one.rule === rule);
      const allowed = known[path]?.[rule] ?? 0;
      if (found.length === allowed) return [];
      const count = `${path}: rule "${rule}" is broken ${found.length} times, known are ${allowed}.`;
      if (found.length < allowed) return [`${count} Lower the table in the same commit: ${LOWER}`];
      const places = found.map(({ line, what }) => `  ${path}:${line} ${what}`);
      return [[`${count} Rewrite what you added (the table is never raised):`, ...places].join("\n")];
    }),
  );
}

/** The known counts, each lowered to what is found where that is less. */
export function lowered(findings: readonly Finding[], known: Counts): Counts {
  const left = Object.entries(known).map(([path, counts]) => {
    const here = findings.filter((one) => one.path === path);
    const lower = rules
      .map((rule) => [rule, Math.min(counts[rule] ?? 0, here.filter((one) => one.rule === rule).length)] as const)
      .filter(([, count]) => count > 0);
    return [path, Object.fromEntries(lower)] as const;
  });
  return Object.fromEntries(left.filter(([, counts]) => Object.keys(counts).length > 0));
}

if (import.meta.main) {
  const findings = filesWithTexts().flatMap((path) => findingsIn(path));
  const table = lowered(findings, knownCounts());
  writeFileSync(join(root, TABLE), `${JSON.stringify(table, null, 2)}\n`);
  for (const difference of differences(findings, table)) console.error(difference);
}
