import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jsonText, printable } from "@anabranch/core";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { markdownTable } from "../docs/markdown-table.ts";
import { markdownCode, markdownLine, markdownText } from "../docs/markdown-text.ts";
import { escapeHtml } from "./html.ts";
import { modelCard } from "./model-card.ts";
import { SCRIPT, SCRIPT_SOURCE } from "./plot/page-script.ts";
import { compareReport, report, writeGroupReport, writeReport } from "./report.ts";
import { parseRun, type RunTexts } from "./run-data.ts";
import { groupBySeed } from "./run-groups.ts";
import { syntheticRun } from "./synthetic-run.ts";
import { hostileText, hostileTexts } from "./testing/hostile-texts.ts";
import { elementKinds, tableCells, xmlDefect } from "./testing/markup.ts";

const folder = mkdtempSync(join(tmpdir(), "anabranch-hostile-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const harmless = syntheticRun({ rounds: 8, clients: 12 });
/** Every text of a run in place of a harmless one, so that both have the same parts. */
function spoilt(texts: Required<RunTexts>, text: string): Required<RunTexts> {
  const json = JSON.stringify(text);
  const fields = /"(name|algorithm|model|dataset|run|version|fingerprint|code|message|file|modelHash)":"[^"]*"/g;
  return {
    ...texts,
    id: text,
    events: texts.events.replace(fields, (_all, key) => `"${key}":${json}`),
    partition: texts.partition.replace(/"scheme":"[^"]*"/, `"scheme":${json}`),
    config: `name = "x"\n# ${text.replace(/\0/g, "")}`,
  };
}

const anyText = fc.string({ unit: "binary", maxLength: 12 }).chain((any) => fc.constantFrom(any, ...hostileTexts));
const printed = (text: string) => printable(text, "\n\t") === text;

describe("a report of hostile texts", () => {
  it.each(hostileTexts.map((text) => [jsonText(text), text]))("has no element of theirs: %s", (_name, text) => {
    const page = report(parseRun(spoilt(harmless, text)));
    expect(printed(page)).toBe(true);
    const kinds = new Set(elementKinds(report(parseRun(harmless))));
    expect(elementKinds(page).filter((kind) => !kinds.has(kind))).toEqual([]);
  });

  it("nor does a comparison have one", () => {
    const runs = hostileTexts.slice(0, 4).map((text) => parseRun(spoilt(harmless, text)));
    const page = compareReport([...runs, parseRun(spoilt(harmless, hostileText))]);
    const kinds = new Set(elementKinds(compareReport(runs.map(() => parseRun(harmless)))));
    expect(elementKinds(page).filter((kind) => !kinds.has(kind))).toEqual([]);
    expect(printed(page)).toBe(true);
  });

  it("allows no script but its own, no address and no form", () => {
    const [, policy] = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(
      report(parseRun(harmless)),
    )!;
    expect(policy!.split("; ")).toEqual([
      "default-src 'none'",
      "style-src 'unsafe-inline'",
      `script-src ${SCRIPT_SOURCE}`,
      "base-uri 'none'",
      "form-action 'none'",
    ]);
  });

  it.each(hostileTexts.map((text) => [jsonText(text), text]))("has no script of theirs: %s", (_name, text) => {
    for (const page of [report(parseRun(spoilt(harmless, text))), compareReport([parseRun(spoilt(harmless, text))])]) {
      const scripts = [...page.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)];
      expect(scripts.map(([, attributes]) => attributes)).toEqual([' type="application/json" id="plots"', ""]);
      expect(scripts[1]![2]).toBe(SCRIPT);
      expect(scripts[0]![2]).not.toContain("<");
      expect(() => JSON.parse(scripts[0]![2]!)).not.toThrow();
    }
  });

  it("has charts that are XML", async () => {
    const texts = [harmless, spoilt(harmless, hostileText), ...hostileTexts.map((text) => spoilt(harmless, text))];
    const runs = texts.map(parseRun);
    const [one, several] = [join(folder, "one"), join(folder, "several")];
    for (const path of [one, several]) mkdirSync(path);
    await writeReport(one, runs[1]!);
    await writeGroupReport(several, groupBySeed(runs));
    const files = [one, several].flatMap((of) =>
      readdirSync(join(of, "charts")).map((name) => join(of, "charts", name)),
    );
    expect(files.length).toBeGreaterThan(10);
    expect(files.flatMap((file) => xmlDefect(readFileSync(file, "utf8")) ?? [])).toEqual([]);
  });

  it("escapes any text to what XML allows", () => {
    const property = fc.property(anyText, (text) => {
      const escaped = escapeHtml(text);
      expect(xmlDefect(`<a b="${escaped.replace(/[\n\t]/g, " ")}">${escaped}</a>`)).toBeUndefined();
    });
    fc.assert(property, { numRuns: 2000 });
  });
});

describe("Markdown of hostile texts", () => {
  it("keeps the rows and columns of tables", () => {
    const property = fc.property(fc.array(fc.tuple(anyText, anyText, anyText), { minLength: 1 }), (rows) => {
      const cells = rows.map(([a, b, c]) => [markdownText(a), markdownCode(b), c]);
      const lines = markdownTable(["a", "b", "c"], cells)
        .join("\n")
        .split(/[\r\n]/);
      expect(lines).toHaveLength(rows.length + 2);
      // the third cell is Markdown, whose own backslashes before a bar are its author's
      const ours = markdownTable(
        ["a", "b"],
        cells.map((row) => row.slice(0, 2)),
      );
      expect(new Set(tableCells(ours))).toEqual(new Set([2]));
    });
    fc.assert(property, { numRuns: 1000 });
  });

  it("gives text no meaning: every mark is escaped", () => {
    const property = fc.property(anyText, (text) => {
      for (const escaped of [markdownText(text), markdownLine(text)]) {
        const bare = escaped.replace(/\\[!-/:-@[-`{-~]/g, "").replaceAll("&#124;", "");
        expect(bare).not.toMatch(/[\\`*_[\]<>#~$&{}|@\n\r]|:\/\/|www\./i);
        expect(printed(bare)).toBe(true);
      }
      expect(markdownLine(text)).not.toMatch(/^(?:[-+=]|\d+[.)](?:\s|$))/);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  it("reads back as the text itself", () => {
    const back = (text: string) => text.replaceAll("&#124;", "|").replace(/\\([!-/:-@[-`{-~])/g, "$1");
    for (const text of hostileTexts) {
      expect(back(markdownText(text))).toBe(printable(text.replace(/\s+/gu, " ").trim()));
    }
    expect(markdownText("fashion-mnist-10k (alpha 0.1), R2-D2")).toBe("fashion-mnist-10k (alpha 0.1), R2-D2");
  });

  it("is a model card of the same lines whatever the texts", () => {
    const lines = (text: string) => modelCard(parseRun(spoilt(harmless, text))).split("\n");
    const expected = lines("x").map((line) => line.replace(/\|.*\|/, "|"));
    for (const text of hostileTexts) {
      expect(lines(text).map((line) => line.replace(/\|.*\|/, "|")).length).toBe(expected.length);
      expect(new Set(tableCells(lines(text).filter((line) => line.startsWith("|"))))).toEqual(new Set([2]));
      expect(printed(lines(text).join("\n"))).toBe(true);
    }
  });
});
