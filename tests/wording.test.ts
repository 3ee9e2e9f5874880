import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesBelow, readText, root } from "./source-files.ts";
import { filesWithTexts, findingsIn } from "./wording/findings.ts";
import { differences, knownCounts, lowered } from "./wording/known.ts";
import { sentenceLengths } from "./wording/sentences.ts";

/**
 * Texts that people read use the terms of the field, in lines and sentences that can be read once. What broke the rules
 * when they were made is counted in wording/known.json, by file; a new file starts at 0.
 */
describe("texts that people read", () => {
  const findings = filesWithTexts().flatMap((path) => findingsIn(path));

  it("break no rule of wording, but for what is known", () => {
    expect(differences(findings, knownCounts()).join("\n")).toBe("");
  });

  it("have no entry in the table for a file that was removed", () => {
    const paths = new Set(filesWithTexts());
    expect(Object.keys(knownCounts()).filter((path) => !paths.has(path))).toEqual([]);
  });
});

describe("sentences of", () => {
  const guides = ["tutorial", "coming-from", "reading-a-report", "reproducibility", "events"];

  it.each(["README.md", "CHANGELOG.md", ...guides.map((name) => `docs/${name}.md`)])("%s are short", (path) => {
    const { median, longest } = sentenceLengths(readText(path));
    expect(median).toBeLessThanOrEqual(12);
    expect(longest).toBeLessThanOrEqual(30);
  });

  it("a page are counted by full stops, per paragraph and list item", () => {
    expect(sentenceLengths("# Head\n\nOne two. Three four five.\n\n- six seven\n- `x` nine ten\n")).toEqual({
      sentences: 4,
      median: 3,
      longest: 3,
    });
  });
});

describe("the glossary of ARCHITECTURE.md", () => {
  it("names what is in the code", () => {
    const [, glossary = ""] = /^## Words$(.*?)^## /ms.exec(readText("ARCHITECTURE.md")) ?? [];
    const sources = filesBelow("packages").filter((path) => /^packages\/\w+\/src\/.*(?<!\.test)\.ts$/.test(path));
    const words = new Set(sources.flatMap((path) => readText(path).match(/\w+/g) ?? []));
    const isThere = (name: string) =>
      name.includes("/")
        ? existsSync(join(root, "packages", name))
        : (name.match(/\w+/g) ?? []).every((word) => words.has(word));
    const names = [...glossary.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((name) => !isThere(name))).toEqual([]);
  });
});

/** The rules that a file breaks, by line. */
function broken(path: string, content: string): string[] {
  return findingsIn(path, content).map(({ rule, line }) => `${rule} ${line}`);
}

describe("a phrase", () => {
  it("is found across a line break and in a table", () => {
    expect(broken("a.md", "one\n\na whole\nnumber\n\n| a | whole numbers |\n")).toEqual(["phrase 3", "phrase 6"]);
  });

  it("is not found in code, in a target of a link or inside a word", () => {
    expect(broken("a.md", "`whole number` [x](./mend.md) amended\n\n```\nwhole number\n```\n")).toEqual([]);
  });

  it("is found in strings and templates of a source, not in its comments and names", () => {
    const source = `const mends = "is mended";\n// whole numbers\nconst a = \`comes to \${mends}\`;\n`;
    expect(broken("packages/core/src/a.ts", source)).toEqual(["phrase 1", "phrase 3"]);
  });

  it("is found in the names of tests, not in what they compare", () => {
    const source = 'it.each([1])("tells %i", () => {\n  expect(text()).toBe("a whole number");\n});\n';
    expect(broken("tests/a.test.ts", source)).toEqual(["phrase 1"]);
  });
});

describe("a line of Markdown", () => {
  it("has at most 100 characters, not counting targets of links", () => {
    const text = "x".repeat(90);
    expect(broken("a.md", `${text} ${text}\n${text} [link](${text})\n`)).toEqual(["line 1"]);
  });

  it("may be longer in code and in tables", () => {
    const text = "x".repeat(120);
    expect(broken("a.md", `| ${text} |\n\n\`\`\`\n${text}\n\`\`\`\n`)).toEqual([]);
  });
});

describe("a sentence of the packages", () => {
  const words = (count: number) => Array.from({ length: count }, () => "word").join(" ");

  it("has at most 30 words", () => {
    expect(broken("packages/node/src/a.ts", `const a = "${words(30)}. ${words(31)}";`)).toEqual(["sentence 1"]);
  });

  it("ends at a full stop or a line break, and a value in it is one word", () => {
    expect(broken("packages/node/src/a.ts", `const a = "${words(30)}\\n${words(30)}? Yes.";`)).toEqual([]);
    expect(broken("packages/node/src/a.ts", `const a = \`${words(30)} \${1 + 1}\`;`)).toEqual(["sentence 1"]);
  });
});

describe("the table of what is known", () => {
  const finding = { path: "a.md", line: 4, rule: "line", what: "120 characters" } as const;

  it("refuses a count that grew, with the places", () => {
    expect(differences([finding, finding], { "a.md": { line: 1 } }).join()).toMatch(
      /2 times.*Rewrite.*\n {2}a\.md:4 120/,
    );
    expect(differences([finding], {})).toHaveLength(1);
  });

  it("refuses a count that shrank, with the command that lowers it", () => {
    expect(differences([], { "a.md": { line: 1 } }).join()).toContain("node tests/wording/known.ts");
  });

  it("is lowered, never raised", () => {
    const known = { "a.md": { line: 3, phrase: 1 }, "b.md": { line: 1 } };
    expect(lowered([finding, { ...finding, path: "c.md" }], known)).toEqual({ "a.md": { line: 1 } });
  });
});
