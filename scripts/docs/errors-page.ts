import { markdownTable } from "../../packages/node/src/docs/markdown-table.ts";
import { areaOf, type ErrorSite, errorSites } from "./error-codes.ts";
import { type AreaNote, areaNotes, codeNotes } from "./error-notes.ts";

/** One code of the page: why it is raised, and what to do. */
export interface ErrorEntry {
  readonly code: string;
  readonly causes: readonly string[];
  readonly next: string;
}

/** The cause of a code whose message only running code knows, until `error-notes.ts` has one. */
export const UNKNOWN_CAUSE = "see the message of the error";

/** All codes in order. A code whose error names neither cause nor next step takes them from `error-notes.ts`. */
export function errorEntries(): ErrorEntry[] {
  const sites = Map.groupBy(errorSites().sites, ({ code }) => code);
  return [...sites.keys()].sort().map((code) => {
    const found = sites.get(code)!;
    const note = codeNotes[code] ?? {};
    const steps = texts(found, "advice");
    const causes = texts(found, "message");
    return {
      code,
      causes: note.cause !== undefined ? [note.cause] : causes.length > 0 ? causes : [UNKNOWN_CAUSE],
      next: steps.length > 0 ? steps.map(sentence).join(" Or: ") : (note.next ?? noteOf(areaOf(code)).next),
    };
  });
}

/** The text of docs/errors.md. */
export function errorsPage(): string {
  const areas = [...Map.groupBy(errorEntries(), ({ code }) => areaOf(code))];
  return [
    "# Errors",
    "",
    "<!-- Written by `npm run docs:generate` from the errors in the sources. Change those, not this page. -->",
    "",
    "Every error has a code, a sentence and a next step:",
    "",
    "```text",
    "anabranch: unknown configuration key [config/unknown-key]",
    "```",
    "",
    "- The code is `area/reason`. It never changes its meaning, so programs match it.",
    "- With `--json` the error is an object with `code`, `message`, `where`, `received`, `expected`",
    "  and `advice`.",
    "- In the library, errors are `AnabranchError` with the same fields in `failure`.",
    "- Some codes are warnings in the event `run.warning`, or failures of one client in",
    "  `client.failed`. These do not end a run.",
    "- `…` stands for a value of your case.",
    "- [Exit codes](command-line.md#exit-codes) group the areas for scripts.",
    "",
    `Areas: ${areas.map(([area]) => `[${area}](#${area})`).join(", ")}.`.replace(/(.{60,95}?,) /g, "$1\n"),
    ...areas.flatMap(([area, entries]) => [
      "",
      `## ${area}`,
      "",
      noteOf(area).about,
      "",
      ...markdownTable(
        ["code", "cause", "next step"],
        entries.map(({ code, causes, next }) => [`\`${code}\``, causes.map(cell).join("; "), cell(next)]),
      ),
    ]),
    "",
  ].join("\n");
}

/** The note on an area; a new area has this one until somebody writes its own. */
function noteOf(area: string): AreaNote {
  return areaNotes[area] ?? { about: `Errors of ${area}.`, next: "Correct what the message names." };
}

function texts(sites: readonly ErrorSite[], part: "message" | "advice"): string[] {
  return [...new Set(sites.flatMap((site) => site[part] ?? []))];
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** Text of the sources as Markdown: nothing in it is mark-up, except what the notes write in backquotes. */
function cell(text: string): string {
  const outside = (part: string) => part.replace(/[<>*_[\]]/g, "\\$&");
  return text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith("`") ? part : outside(part)))
    .join("");
}
