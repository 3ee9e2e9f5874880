import { describe, expect, it } from "vitest";
import { bibtexEntry, formatBibtex } from "./bibtex.ts";
import { parseCitations } from "./citation.ts";
import { latexText, latexTitle, plainLetters } from "./latex.ts";
import { readBibtex } from "./testing/read-bibtex.ts";

const parse = (text: string) => parseCitations(text, (problem) => new Error(problem));
const entry = (text: string) => bibtexEntry(parse(text)[0]);

describe("parseCitations", () => {
  it("reads several papers with their notes", () => {
    const [first, second, third, ...more] = parse(
      'A. One, "First: a; b", ICML 2020, arXiv:2001.00001 (Algorithm 2; option II); adaptive form: B. Two, C. Three, "Second", ' +
        '2021, arXiv:2101.00001; D. Four, "Third", JMLR 3, 2003, doi 10.1000/x.1.',
    );
    expect(more).toEqual([]);
    expect(first).toMatchObject({ note: undefined, title: "First: a; b", venue: "ICML 2020", arxiv: "2001.00001" });
    expect(second).toMatchObject({ note: "adaptive form", authors: "B. Two, C. Three", venue: "2021", year: 2021 });
    expect(third).toMatchObject({ note: undefined, venue: "JMLR 3, 2003", arxiv: undefined, doi: "10.1000/x.1" });
  });

  it("reads a doi in brackets and an address, without what ends the sentence", () => {
    const [paper] = parse('A. One, "T", ACM MM 2025 (doi 10.1145/3746027.3755226), arXiv:2602.23827.');
    expect(paper).toMatchObject({ venue: "ACM MM 2025", doi: "10.1145/3746027.3755226", arxiv: "2602.23827" });
    expect(parse('A. One, "T", 2024, https://example.org/a/.')[0].url).toBe("https://example.org/a/");
  });

  it("refuses a text without a title or a year", () => {
    expect(() => parse("A. One, ICML 2020")).toThrow(/its citation is not/);
    expect(() => parse('A. One, "T", ICML')).toThrow(/no year/);
  });
});

describe("bibtexEntry", () => {
  it("writes a paper of a conference", () => {
    const text =
      'A. Müller, B. Agüera y Arcas, R. van Dalen, "FedX: On the Non-IID Case & More", ICML 2024, arXiv:2401.01234';
    expect(formatBibtex(entry(text))).toBe(
      [
        "@inproceedings{muller2024fedx,",
        "  title         = {{FedX}: On the Non-{IID} Case \\& More},",
        '  author        = {A. M{\\"u}ller and B. {Ag{\\"u}era y Arcas} and R. van Dalen},',
        "  booktitle     = {International Conference on Machine Learning (ICML)},",
        "  year          = {2024},",
        "  eprint        = {2401.01234},",
        "  archivePrefix = {arXiv}",
        "}",
      ].join("\n"),
    );
  });

  it.each([
    ['A. B, "T", 2021, arXiv:2101.00001', "misc", { eprint: "2101.00001", archivePrefix: "arXiv" }],
    ['A. B, "T", TMLR 2023', "article", { journal: "Transactions on Machine Learning Research" }],
    [
      'A. B, "T", Proceedings of the IEEE 86(11), 1998, doi 10.1109/5.726791',
      "article",
      { journal: "Proceedings of the IEEE", volume: "86", number: "11", doi: "10.1109/5.726791" },
    ],
    ['A. B, "T", OpenAI 2019', "techreport", { institution: "OpenAI" }],
    ['A. B, "T", A Workshop & More 2019', "misc", { howpublished: "A Workshop \\& More" }],
    ['A. B, "T", 2024, https://example.org/~a_b', "misc", { url: "https://example.org/~a_b" }],
  ])("%s is a %s", (text, type, fields) => {
    const { type: found, fields: all } = entry(text);
    expect(found).toBe(type);
    const { title: _title, author: _author, year: _year, ...rest } = all;
    expect(rest).toEqual(fields);
  });

  it.each([
    ['H. B. McMahan, E. Moore, "Communication-Efficient Learning", AISTATS 2017', "mcmahan2017communication"],
    ['J. Konečný, "On the Convergence", ICLR 2021', "konecny2021convergence"],
    ['B. Agüera y Arcas, "An Image is Worth 16x16 Words", ICLR 2021', "aguerayarcas2021image"],
    ['T.-M. H. Hsu, "A/B Tests", 2019', "hsu2019b"],
  ])("%s has the key %s", (text, key) => {
    expect(entry(text).key).toBe(key);
  });

  it("knows et al., the word and, and full names", () => {
    expect(entry('A. One et al., "T", 2020').fields["author"]).toBe("A. One and others");
    expect(entry('A. One and B. Two, "T", 2020').fields["author"]).toBe("A. One and B. Two");
    expect(entry('Ada One, Bert Two, and Carla Three, "T", 2020').fields["author"]).toBe(
      "Ada One and Bert Two and Carla Three",
    );
  });
});

describe("LaTeX", () => {
  it.each([
    ["Müller, Konečný, Åström", `M{\\"u}ller, Kone{\\v{c}}n{\\'y}, {\\r{A}}str{\\"o}m`],
    ["naïve Győr Łódź ço", "na{\\\"{\\i}}ve Gy{\\H{o}}r {\\L}{\\'o}d{\\'z} {\\c{c}}o"],
    ["Weiß & Søn: 5 % of $1 #2 a_b", "Wei{\\ss} \\& S{\\o}n: 5 \\% of \\$1 \\#2 a\\_b"],
    ["{x} ~ ^ \\", "{\\textbraceleft}x{\\textbraceright} {\\textasciitilde} {\\textasciicircum} {\\textbackslash}"],
    ["1–2 — “so” it’s", "1--2 --- ``so'' it's"],
    ["ế", "ế"],
  ])("%s", (text, latex) => {
    expect(latexText(text)).toBe(latex);
  });

  it("keeps the capitals of acronyms, names and single letters of a title, and no others", () => {
    expect(latexTitle("A K-FAC View of FedCM and Bayesian SGD++: A Note for I and 16x16 Müllers")).toBe(
      'A {K}-{FAC} View of {FedCM} and {Bayesian} {SGD}++: A Note for {I} and 16x16 M{\\"u}llers',
    );
    expect(latexTitle("ÉCOLE")).toBe("{{\\'E}COLE}");
  });

  it("writes keys in plain letters", () => {
    expect(plainLetters("Agüera-y Łódź ß 2")).toBe("agueraylodzss2");
  });
});

describe("the reader of these tests", () => {
  const good = formatBibtex(entry('A. B, "T", ICML 2020'));

  it("reads what it should", () => {
    const [only] = readBibtex(`% algorithm.name = "x"\n${good}\n`);
    expect(only).toMatchObject({ type: "inproceedings", key: "b2020t", comments: ['algorithm.name = "x"'] });
  });

  it.each([
    ["an open brace", good.replace("{T}", "{{T}")],
    ["a closed one", good.replace("{T}", "{}T{}}")],
    ["a missing field", good.replace("booktitle", "publisher")],
    ["a missing comma", good.replace("{{T}},", "{{T}}")],
    ["an unescaped sign", good.replace("{{T}}", "{T & U}")],
    ["a key used twice", `${good}\n${good}`],
    ["an unknown type", good.replace("@inproceedings", "@poster")],
    ["an @ in a comment", `% a@b\n${good}`],
    ["other text", `hello\n${good}`],
  ])("refuses %s", (_what, text) => {
    expect(() => readBibtex(text)).toThrow();
  });
});
