/** A paper as the headers of methods and the table of references name it. */
export interface Citation {
  /** What this paper is for, e.g. "adaptive form" or the name of a system; undefined where the text does not say. */
  readonly note: string | undefined;
  /** The whole citation without the note. */
  readonly text: string;
  /** As written: "T. Li, A. K. Sahu", initials before the name. */
  readonly authors: string;
  readonly title: string;
  /** Where and when, e.g. "AISTATS 2017"; a paper that is only on arXiv has the year alone. */
  readonly venue: string;
  readonly year: number;
  /** Identifier such as "1602.05629"; undefined where the paper is not on arXiv. */
  readonly arxiv: string | undefined;
  readonly doi: string | undefined;
  /** Address of what is published on a page of its own; undefined for others. */
  readonly url: string | undefined;
}

/** A semicolon before a further paper: after it come names and a title in quotes. */
const further = /;\s+(?=[^";]+, ")/;

/**
 * Reads `authors, "title", venue and year, arXiv:number`; the last may be `doi 10...` or an address, and remarks in
 * brackets may follow. More papers stand after semicolons, each with a note before its authors where it needs one:
 * `...; adaptive form: authors, "title", ...`.
 *
 * @param refuse makes the error of a text of another form
 */
export function parseCitations(text: string, refuse: (problem: string) => Error): [Citation, ...Citation[]] {
  const [first, ...others] = text.split(further).map((part) => parseCitation(part, refuse));
  return [first!, ...others];
}

function parseCitation(part: string, refuse: (problem: string) => Error): Citation {
  const [, note, text] = /^(?:([A-Za-z][^:"]*): )?(.+)$/s.exec(part) ?? [];
  const quoted = /^(.+?), "(.+?)",? (.+)$/.exec(text ?? "");
  if (quoted === null) throw refuse('its citation is not: authors, "title", venue and year, arXiv:number');
  const [whole, authors, title, rest] = quoted as unknown as [string, string, string, string];
  const venue = rest.split(/,? (?:arXiv:|doi |https?:|\()/)[0]!.replace(/[.,]$/, "");
  const year = /\b(?:19|20)\d\d\b/.exec(venue)?.[0];
  if (year === undefined) throw refuse("its citation has no year");
  return {
    note,
    text: whole,
    authors,
    title,
    venue,
    year: Number(year),
    arxiv: /arXiv:(\d{4}\.\d{4,5})/.exec(rest)?.[1],
    doi: /\bdoi (10\.\d{4,9}\/[^\s;,)]*[^\s;,).])/.exec(rest)?.[1],
    url: /https?:\/\/[^\s;,)]*[^\s;,).]/.exec(rest)?.[0],
  };
}
