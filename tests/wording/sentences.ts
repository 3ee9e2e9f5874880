import { filesBelow, readText } from "../source-files.ts";
import { markdownProse } from "./texts.ts";

/** Words per sentence of a page. */
export interface SentenceLengths {
  readonly sentences: number;
  readonly median: number;
  readonly longest: number;
}

/** Lengths of the sentences of a Markdown page. Headings, tables and code are not sentences; items of lists are. */
export function sentenceLengths(markdown: string): SentenceLengths {
  const prose = markdownProse(markdown, { tables: false })
    .replace(/^#+ .*$/gm, "")
    .replace(/^\s*(?:[-*]|\d+\.) /gm, "\n\n");
  const sentences = prose.split(/\n\s*\n/).flatMap((paragraph) => paragraph.split(/(?<=[.!?])\s+/));
  const lengths = sentences
    .map((sentence) => sentence.match(/\S*[\p{L}\d…]\S*/gu)?.length ?? 0)
    .filter((words) => words > 1);
  const sorted = lengths.sort((a, b) => a - b);
  return { sentences: sorted.length, median: sorted[sorted.length >> 1] ?? 0, longest: sorted.at(-1) ?? 0 };
}

if (import.meta.main) {
  const pages = filesBelow(".").filter((path) => path.endsWith(".md") && !path.startsWith("packages/"));
  for (const path of pages) {
    const { sentences, median, longest } = sentenceLengths(readText(path));
    console.log(`${path.padEnd(36)} ${sentences} sentences, median ${median}, longest ${longest} words`);
  }
}
