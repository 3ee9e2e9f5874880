import { markdownTable } from "../../packages/node/src/docs/markdown-table.ts";
import { readText } from "../../tests/source-files.ts";

/** The text of docs/glossary.md: the words of ARCHITECTURE.md by alphabet, for readers who need no code. */
export function glossaryPage(): string {
  const [, words = ""] = /^## Words$(.*?)^## /ms.exec(readText("ARCHITECTURE.md")) ?? [];
  const rows = words
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| word "))
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
    .map(([, word = "", meaning = ""]) => [word, meaning]);
  return [
    "# Glossary",
    "",
    "<!-- Written by `npm run docs:generate` from the table of words in ARCHITECTURE.md. Change that. -->",
    "",
    "One word for one thing, in code, messages and guides.",
    "[ARCHITECTURE.md](../ARCHITECTURE.md#words) has the names in the code as well.",
    "",
    ...markdownTable(
      ["word", "meaning"],
      rows.sort(([a], [b]) => (a! < b! ? -1 : 1)),
    ),
    "",
  ].join("\n");
}
