/** An entry as it stands in a file, fields without their outer braces. */
export interface ReadEntry {
  readonly type: string;
  readonly key: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Comment lines above it, without their signs. */
  readonly comments: readonly string[];
}

/** What BibTeX demands of each type beside title, author and year. */
const required: Readonly<Record<string, readonly string[]>> = {
  article: ["journal"],
  inproceedings: ["booktitle"],
  misc: [],
  techreport: ["institution"],
};

/**
 * A strict reader of BibTeX: comment lines, blank lines and entries, one field a line in balanced braces, nothing else.
 * Throws where a brace is open, a field is missing, empty or double, a key is double or no plain word, or a special
 * character is not escaped.
 */
export function readBibtex(text: string): ReadEntry[] {
  const lines = text.split("\n");
  const entries: ReadEntry[] = [];
  let comments: string[] = [];
  while (lines.length > 0) {
    const line = lines.shift()!;
    if (line === "") continue;
    if (line.startsWith("% ")) {
      if (line.includes("@")) throw new Error(`BibTeX would read an entry in the comment: ${line}`);
      comments.push(line.slice(2));
      continue;
    }
    entries.push({ ...readEntry(line, lines), comments });
    comments = [];
  }
  const keys = entries.map(({ key }) => key);
  if (new Set(keys).size !== keys.length) throw new Error(`a key is used twice: ${keys.join(", ")}`);
  return entries;
}

function readEntry(head: string, lines: string[]): Omit<ReadEntry, "comments"> {
  const [, type, key] = /^@([a-z]+)\{([a-z0-9]+),$/.exec(head) ?? [];
  if (type === undefined || key === undefined) throw new Error(`this begins no entry: ${head}`);
  const fields: Record<string, string> = {};
  for (;;) {
    const line = lines.shift();
    if (line === "}") break;
    const [, name, value, comma] = /^ {2}([A-Za-z]+) *= \{(.*)\}(,?)$/.exec(line ?? "") ?? [];
    if (name === undefined || value === undefined) throw new Error(`${key}: this is not a field: ${line}`);
    if ((comma === ",") === (lines[0] === "}")) throw new Error(`${key}: a comma too few or too many after ${name}`);
    if (Object.hasOwn(fields, name)) throw new Error(`${key}: ${name} stands twice`);
    fields[name] = checkedValue(key, name, value);
  }
  const missing = ["title", "author", "year", ...(required[type] ?? ["a known type"])].filter((name) => !fields[name]);
  if (missing.length > 0) throw new Error(`@${type}{${key}} lacks ${missing.join(", ")}`);
  if ((fields["eprint"] === undefined) !== (fields["archivePrefix"] === undefined))
    throw new Error(`${key}: half a preprint`);
  return { type, key, fields };
}

function checkedValue(key: string, name: string, value: string): string {
  let depth = 0;
  for (const character of value) {
    if (character === "{") depth++;
    if (character === "}") depth--;
    if (depth < 0) throw new Error(`${key}: ${name} closes a brace that is not open`);
  }
  if (depth !== 0) throw new Error(`${key}: ${name} leaves a brace open`);
  if (name !== "doi" && name !== "url" && /(?<!\\)[&%$#_]/.test(value)) {
    throw new Error(`${key}: ${name} has a special character that is not escaped: ${value}`);
  }
  return value;
}
