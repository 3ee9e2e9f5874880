import { nearest } from "@anabranch/core/readers";
import { AnabranchError } from "@anabranch/engine";

/** The name of a data set that is read from a path, taken apart: `kind:path?option=value&...`. */
export interface DatasetPath {
  readonly kind: FileKind;
  readonly path: string;
  readonly options: Readonly<Record<string, string>>;
}

/** What can be read from a path, and the options each takes. */
export const fileKinds = {
  csv: ["label", "group", "features", "delimiter", "test", "testFraction"],
  parquet: ["label", "group", "features", "channels", "size", "test", "testFraction"],
  images: ["channels", "size", "testFraction"],
  leaf: ["size", "words", "testFraction"],
  text: ["length", "testFraction"],
  graph: ["testFraction"],
  module: [],
} as const satisfies Record<string, readonly string[]>;

export type FileKind = keyof typeof fileKinds;

/**
 * Takes a name such as `csv:patients.csv?label=sick&group=hospital` apart; undefined for a plain name.
 *
 * @throws `data/unknown` for an unknown kind, `data/option` for an unknown option
 */
export function parseDatasetPath(name: string): DatasetPath | undefined {
  const colon = name.indexOf(":");
  if (colon < 0) return undefined;
  const kind = name.slice(0, colon);
  if (!isFileKind(kind)) {
    throw new AnabranchError({
      code: "data/unknown",
      message: "data of this kind cannot be read",
      where: "data.dataset",
      received: JSON.stringify(name),
      expected: `one of ${Object.keys(fileKinds).join(":, ")}: and a path`,
      ...suggestion(nearest(kind, Object.keys(fileKinds))),
    });
  }
  const [written, query] = splitAt(name.slice(colon + 1), "?");
  // options begin at a question mark: one in the path is written %3F
  const path = written.replaceAll(/%3F/gi, "?");
  const options = Object.fromEntries(new URLSearchParams(query));
  for (const key of Object.keys(options)) checkOption(kind, key, name);
  return { kind, path, options };
}

/**
 * The name of a data set with each path in it mapped; a plain name has none.
 *
 * @throws as `parseDatasetPath`
 */
export function mapDatasetPaths(name: string, map: (path: string) => string): string {
  const from = parseDatasetPath(name);
  if (from === undefined || from.path === "") return name;
  const [, query] = splitAt(name, "?");
  const option = (text: string) => {
    // read as parseDatasetPath reads it: its name may be written te%73t
    const [[key, value] = ["", ""]] = new URLSearchParams(text);
    return key !== "test" || value === "" ? text : `test=${escapePath(map(value), /[%+&#?]/g)}`;
  };
  const options = query.split("&").map(option).join("&");
  return `${from.kind}:${escapePath(map(from.path), /\?/g)}${options === "" ? "" : `?${options}`}`;
}

/** Characters that end or change a path in the name of a data set, as percent codes. */
function escapePath(path: string, characters: RegExp): string {
  return path.replaceAll(characters, (character) => encodeURIComponent(character));
}

/** A number among the options; `fallback` where it is not given. */
export function numberOption(from: DatasetPath, key: string, fallback: number): number {
  const text = from.options[key];
  const value = text === undefined ? fallback : Number(text);
  if (text?.trim() !== "" && Number.isFinite(value)) return value;
  throw new AnabranchError({
    code: "data/option",
    message: `the option ${key} of a data set is not a number`,
    where: `${from.kind}:${from.path}`,
    received: JSON.stringify(text),
    expected: `a number, such as ${fallback}`,
  });
}

/** "Did you mean" as advice, where there is a near name. */
export function suggestion(near: string | undefined): { advice?: string } {
  return near === undefined ? {} : { advice: `Did you mean ${JSON.stringify(near)}?` };
}

function isFileKind(kind: string): kind is FileKind {
  return Object.hasOwn(fileKinds, kind);
}

function checkOption(kind: FileKind, key: string, name: string): void {
  const known: readonly string[] = fileKinds[kind];
  if (known.includes(key)) return;
  throw new AnabranchError({
    code: "data/option",
    message: `unknown option of ${kind} data`,
    where: name,
    received: key,
    expected: known.length === 0 ? "no options" : `one of ${known.join(", ")}`,
    ...suggestion(nearest(key, known)),
  });
}

function splitAt(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
