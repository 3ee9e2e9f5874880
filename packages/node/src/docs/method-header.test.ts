import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { methodCatalog, methodTests } from "./method-catalog.ts";
import { parseMethodHeader } from "./method-header.ts";
import { methodsPage, methodsPageIsCurrent } from "./methods.ts";

const header = `/**
 * FedX: averages, and
 * then some.
 *
 * Citation: A. Author, B. Author, "A Title: with a colon", ICML 2024, arXiv:2401.01234 (Algorithm 2).
 *
 * Update rule:
 *   y <- y - eta * g
 *   x <- mean y
 *
 * Symbols: x -> parameters -> [d]; eta -> training.learningRate -> [];
 *   beta -> serverMomentum -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d + 1.
 * Differences: none.
 */
import * as z from "zod";
`;

describe("parseMethodHeader", () => {
  it("reads every part", () => {
    expect(parseMethodHeader(header, "fedx.ts")).toEqual({
      title: "FedX",
      summary: "averages, and then some.",
      citation: {
        note: undefined,
        text: 'A. Author, B. Author, "A Title: with a colon", ICML 2024, arXiv:2401.01234 (Algorithm 2).',
        authors: "A. Author, B. Author",
        title: "A Title: with a colon",
        venue: "ICML 2024",
        year: 2024,
        arxiv: "2401.01234",
        doi: undefined,
        url: undefined,
      },
      furtherCitations: [],
      updateRule: ["y <- y - eta * g", "x <- mean y"],
      symbols: [
        { symbol: "x", option: "parameters", shape: "[d]" },
        { symbol: "eta", option: "training.learningRate", shape: "[]" },
        { symbol: "beta", option: "serverMomentum", shape: "[]" },
      ],
      state: "server {parameters [d]}; client none.",
      wire: { down: "d", up: "d + 1" },
      differences: "none.",
    });
  });

  it.each([
    ["no comment", header.replace("/**", "//"), /does not begin with a comment/],
    ["a missing part", header.replace("Wire:", "Bytes:"), /no part "Wire:"/],
    ["no name", header.replace("FedX: averages", "averages"), /Name: what it does/],
    ["a citation without a year", header.replace("ICML 2024", "ICML"), /no year/],
    ["a citation without a title", header.replaceAll('"A Title: with a colon"', "A Title"), /its citation is not/],
    ["a symbol without a shape", header.replace("serverMomentum -> []", "serverMomentum"), /"beta -> serverMomentum"/],
    ["a wire cost in bytes", header.replace("down d, up d + 1", "some"), /down \.\.\., up/],
  ])("refuses %s", (_what, source, message) => {
    expect(() => parseMethodHeader(source, "fedx.ts")).toThrow(message);
  });
});

describe("the methods of this system", () => {
  const catalog = methodCatalog();

  it.each(
    catalog.map((method) => [method.name, method] as const),
  )("%s has a paper, symbols and tests", (name, method) => {
    const numbers = [method.citation, ...method.furtherCitations].map(({ arxiv }) => arxiv ?? "");
    expect(numbers.filter((arxiv) => /^\d{4}\.\d{4,5}$/.test(arxiv))).not.toEqual([]);
    expect(method.symbols.length).toBeGreaterThan(0);
    expect(method.updateRule.length).toBeGreaterThan(0);
    expect(methodTests(name)).not.toEqual([]);
    for (const { name: option, description } of method.options) expect(description, option).not.toBe("");
  });

  it("keep their headers when they are compiled: the compiler drops what stands before a type import", () => {
    for (const { file } of catalog) {
      const source = readFileSync(new URL(`../../../core/src/algorithms/${file}`, import.meta.url), "utf8");
      expect(source, file).not.toMatch(/^ \*\/\nimport type/m);
    }
  });

  it("have symbols for options that the header explains", () => {
    for (const { options, symbols, name } of catalog) {
      for (const { symbol, name: option } of options) {
        if (symbol === undefined) continue;
        expect(symbols, name).toContainEqual({ symbol, option, shape: "[]" });
      }
    }
  });

  it.each(["fedpac", "fedmuon", "fedadamw", "fednsam"])("%s says that updates are averaged by examples", (name) => {
    const { differences } = catalog.find((method) => method.name === name)!;
    expect(differences).toMatch(/Dbar is weighted as aggregation\.weighting says, by examples unless set/);
  });

  it('stand in METHODS.md as their headers say (if not: "npm run docs:methods")', () => {
    expect(methodsPageIsCurrent()).toBe(true);
    for (const { name } of catalog) expect(methodsPage()).toContain(`[\`${name}\`](#`);
    // their headings are spelled alike in a link
    expect(methodsPage()).toContain("[`fedbcgd`](#fedbcgd)");
    expect(methodsPage()).toContain("[`fedbcgd+`](#fedbcgd-1)");
  });
});
