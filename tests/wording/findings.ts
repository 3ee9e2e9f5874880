import { filesBelow, readText } from "../source-files.ts";
import { phrases } from "./phrases.ts";
import { markdownProse, sourceTexts, type Text } from "./texts.ts";

export const rules = ["phrase", "line", "sentence"] as const;
export type Rule = (typeof rules)[number];

/** A place that breaks a rule. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly rule: Rule;
  /** What is wrong, and with what. */
  readonly what: string;
}

/** Of a Markdown line, in characters, without targets of links. */
const LONGEST_LINE = 100;
/** Of what the command prints and of errors, in words. */
const LONGEST_SENTENCE = 30;

const patterns = phrases.map(({ pattern, instead }) => ({
  pattern: new RegExp(`(?<![\\w-])(?:${pattern.replaceAll(" ", "\\s+")})(?![\\w-])`, "gi"),
  instead,
}));

/** Files with texts that people read: Markdown, sources of the packages, and names of tests. */
export function filesWithTexts(): string[] {
  return filesBelow(".").filter(
    (path) => path.endsWith(".md") || path.endsWith(".test.ts") || /^packages\/\w+\/src\/.*\.ts$/.test(path),
  );
}

export function findingsIn(path: string, content = readText(path)): Finding[] {
  if (path.endsWith(".md")) {
    const prose = markdownProse(content, { tables: true });
    return [...phrasesIn(path, { prose, line: 1 }), ...longLinesIn(path, content)];
  }
  const texts = sourceTexts(path, content);
  const found = texts.flatMap((text) => phrasesIn(path, text));
  return path.endsWith(".test.ts") ? found : [...found, ...texts.flatMap((text) => longSentencesIn(path, text))];
}

function phrasesIn(path: string, { prose, line }: Text): Finding[] {
  return patterns.flatMap(({ pattern, instead }) =>
    [...prose.matchAll(pattern)].map((match) => ({
      path,
      line: line + prose.slice(0, match.index).split("\n").length - 1,
      rule: "phrase" as const,
      what: `"${match[0].replace(/\s+/g, " ")}", say: ${instead}`,
    })),
  );
}

function longLinesIn(path: string, content: string): Finding[] {
  return markdownProse(content, { tables: false })
    .split("\n")
    .map((text, index) => ({ path, line: index + 1, rule: "line" as const, length: text.trimEnd().length }))
    .filter(({ length }) => length > LONGEST_LINE)
    .map(({ length, ...place }) => ({ ...place, what: `${length} characters, at most ${LONGEST_LINE}` }));
}

function longSentencesIn(path: string, { prose, line }: Text): Finding[] {
  return prose
    .split(/[.!?](?=\s)|\n/)
    .map((sentence) => ({ sentence: sentence.trim(), words: sentence.match(/\S*[\p{L}\d…]\S*/gu)?.length ?? 0 }))
    .filter(({ words }) => words > LONGEST_SENTENCE)
    .map(({ sentence, words }) => ({
      path,
      line,
      rule: "sentence" as const,
      what: `${words} words, at most ${LONGEST_SENTENCE}: "${sentence.slice(0, 60)}..."`,
    }));
}
