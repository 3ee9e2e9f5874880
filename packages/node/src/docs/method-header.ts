import { AnabranchError } from "@anabranch/engine";
import { type Citation, parseCitations } from "./citation.ts";

/** A symbol of the paper, what it is called here and its shape. */
export interface MethodSymbol {
  readonly symbol: string;
  readonly option: string;
  readonly shape: string;
}

/** What the header of a method's file says. Texts are on one line; `updateRule` keeps its lines. */
export interface MethodHeader {
  /** As in the papers, e.g. "FedAvg"; of several methods in one file: "FedAdagrad, FedAdam and FedYogi". */
  readonly title: string;
  /** What the method does, one sentence. */
  readonly summary: string;
  readonly citation: Citation;
  /** Further papers that the header cites after the method's own. */
  readonly furtherCitations: readonly Citation[];
  readonly updateRule: readonly string[];
  readonly symbols: readonly MethodSymbol[];
  readonly state: string;
  /** Floats on the wire for each client and round, as functions of d. */
  readonly wire: { readonly down: string; readonly up: string };
  readonly differences: string;
}

const parts = ["Citation", "Update rule", "Symbols", "State", "Wire", "Differences"] as const;
type Part = (typeof parts)[number];

/**
 * Reads the comment at the top of a method's file.
 *
 * @param file its name, for errors
 * @throws `method/header` where a part is missing or has another form
 */
export function parseMethodHeader(source: string, file: string): MethodHeader {
  const lines = commentLines(source, file);
  const found = new Map<Part | "Summary", string[]>([["Summary", []]]);
  let current: Part | "Summary" = "Summary";
  for (const line of lines) {
    const part = parts.find((name) => line.startsWith(`${name}:`));
    if (part !== undefined) current = part;
    const text = part === undefined ? line : line.slice(part.length + 1);
    found.set(current, [...(found.get(current) ?? []), text]);
  }
  for (const part of parts) if (!found.has(part)) throw malformed(file, `it has no part "${part}:"`);
  const joined = (part: Part | "Summary") =>
    found
      .get(part)!
      .map((line) => line.trim())
      .join(" ")
      .trim();
  const colon = joined("Summary").indexOf(": ");
  if (colon < 0) throw malformed(file, 'its first sentence is not "Name: what it does."');
  const [citation, ...furtherCitations] = parseCitations(joined("Citation"), (problem) => malformed(file, problem));
  return {
    title: joined("Summary").slice(0, colon),
    summary: joined("Summary").slice(colon + 2),
    citation,
    furtherCitations,
    updateRule: found
      .get("Update rule")!
      .map((line) => line.trim())
      .filter((line) => line !== ""),
    symbols: parseSymbols(joined("Symbols"), file),
    state: joined("State"),
    wire: parseWire(joined("Wire"), file),
    differences: joined("Differences"),
  };
}

/** The lines of the first comment, without its stars. */
function commentLines(source: string, file: string): string[] {
  const match = /^\s*\/\*\*([\s\S]*?)\*\//.exec(source);
  if (match === null) throw malformed(file, "it does not begin with a comment /** ... */");
  return match[1]!.split("\n").map((line) => line.replace(/^\s*\*? ?/, "").trimEnd());
}

function parseSymbols(text: string, file: string): MethodSymbol[] {
  const entries = text
    .replace(/\.$/, "")
    .split(/;\s*/)
    .filter((entry) => entry !== "");
  return entries.map((entry) => {
    const [symbol, option, shape, ...more] = entry.split(" -> ").map((word) => word.trim());
    if (symbol === undefined || option === undefined || shape === undefined || more.length > 0) {
      throw malformed(file, `the symbol "${entry}" is not: symbol -> option -> [shape]`);
    }
    return { symbol, option, shape };
  });
}

function parseWire(text: string, file: string): { down: string; up: string } {
  const match = /^down (.+), up (.+?)\.?$/.exec(text);
  if (match === null) throw malformed(file, 'its wire cost is not: "down ..., up ..."');
  return { down: match[1]!, up: match[2]! };
}

function malformed(file: string, problem: string): AnabranchError {
  return new AnabranchError({
    code: "method/header",
    message: "the header of a method cannot be read",
    where: file,
    received: problem,
    expected: `one sentence, then ${parts.map((part) => `"${part}:"`).join(", ")}`,
    advice: "CONTRIBUTING.md shows the form.",
  });
}
