import type { Citation } from "./citation.ts";
import { latexText, latexTitle, plainLetters } from "./latex.ts";
import { type Venue, venueNamed } from "./venues.ts";

/** An entry of a bibliography. Values of fields are LaTeX. */
export interface BibtexEntry {
  readonly type: Venue["type"] | "misc";
  /** E.g. "mcmahan2017communication". */
  readonly key: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Words that no key is made of. */
const smallWords = new Set(["a", "an", "and", "are", "for", "in", "is", "of", "on", "the", "to", "with"]);

/** The entry of one paper: by its venue where that is known, else a @misc with what there is. */
export function bibtexEntry(citation: Citation): BibtexEntry {
  const { title, year, arxiv, doi, url } = citation;
  const { type, fields } = place(citation);
  return {
    type,
    key: bibtexKey(citation),
    fields: {
      title: latexTitle(title),
      author: authorNames(citation).map(latexName).join(" and "),
      ...fields,
      year: String(year),
      ...(doi === undefined ? {} : { doi }),
      ...(arxiv === undefined ? {} : { eprint: arxiv, archivePrefix: "arXiv" }),
      ...(url === undefined ? {} : { url }),
    },
  };
}

/** The entry as text, one line a field. */
export function formatBibtex({ type, key, fields }: BibtexEntry): string {
  const width = Math.max(...Object.keys(fields).map((name) => name.length));
  const lines = Object.entries(fields).map(([name, value]) => `  ${name.padEnd(width)} = {${value}}`);
  return `@${type}{${key},\n${lines.join(",\n")}\n}`;
}

/** Type and place of publication: "ICML 2020", "Proceedings of the IEEE 86(11), 1998", or the year alone. */
function place({ venue, year }: Citation): Pick<BibtexEntry, "type" | "fields"> {
  const where = venue.replace(String(year), "").replace(/[\s,]+$/, "");
  if (where === "") return { type: "misc", fields: {} };
  const [, name, volume, number] = /^(.+?)(?: (\d+)(?:\((\d+)\))?)?$/.exec(where)!;
  const known = venueNamed(name!);
  switch (known?.type) {
    case "inproceedings":
      return { type: known.type, fields: { booktitle: latexText(known.name) } };
    case "techreport":
      return { type: known.type, fields: { institution: latexText(known.name) } };
    case "article": {
      const issue = { ...(volume === undefined ? {} : { volume }), ...(number === undefined ? {} : { number }) };
      return { type: known.type, fields: { journal: latexText(known.name), ...issue } };
    }
    default:
      return { type: "misc", fields: { howpublished: latexText(where) } };
  }
}

/** First author's family name, year, first telling word of the title. */
function bibtexKey(citation: Citation): string {
  const words = citation.title.split(/[\s\-–/]+/).map(plainLetters);
  const word = words.find((candidate) => candidate !== "" && !smallWords.has(candidate)) ?? "";
  return `${plainLetters(partsOf(authorNames(citation)[0]!).family)}${citation.year}${word}`;
}

/** The authors one by one; "others", as BibTeX says "et al.", comes last. */
function authorNames({ authors }: Citation): string[] {
  const [, named, others] = /^(.*?)(,? et al\.?)?$/.exec(authors)!;
  const names = named!.split(/,\s*(?:and\s+)?|\s+and\s+/);
  return others === undefined ? names : [...names, "others"];
}

/** Given names are initials with dots; where there are none, the first word of several. */
function partsOf(name: string): { readonly given: string; readonly family: string } {
  const [, given, family] = /^((?:\S*\.\s)+|\S+\s)?(.+)$/.exec(name)!;
  return { given: given ?? "", family: family! };
}

/** Family names of several words stand in braces, else BibTeX takes the first for a given name; particles it knows. */
function latexName(name: string): string {
  const { given, family } = partsOf(name);
  const several = /^\p{Lu}.*\s/u.test(family);
  return latexText(given) + (several ? `{${latexText(family)}}` : latexText(family));
}
