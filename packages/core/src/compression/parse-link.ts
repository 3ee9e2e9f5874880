import { AnabranchError } from "@anabranch/engine";
import type * as z from "zod";
import { nearest } from "../text/nearest.ts";
import { type CompressionLink, compressionLink } from "./chain.ts";

/**
 * An operator as a configuration writes it: its name, then options. Throws `compression/operator`.
 *
 * @example
 * ```ts
 * import { parseLink } from "@anabranch/core";
 * parseLink("top-k density=0.01"); // => { name: "top-k", density: 0.01 }
 * ```
 */
export function parseLink(text: string, key = "compression.up"): CompressionLink {
  const fail = (of: string, why: string): never => {
    throw unreadable(of, why, key);
  };
  const [name = "", ...options] = text.trim().split(/\s+/);
  const entries = options.map((option): [string, unknown] => {
    const [, key, value] = /^([a-z]\w*)=(.+)$/i.exec(option) ?? fail(text, `${option} is not of the form key=value`);
    return [key!, optionValue(value!)];
  });
  if (new Set(entries.map(([key]) => key)).size < entries.length) fail(text, "an option is given twice");
  const parsed = compressionLink.safeParse({ ...Object.fromEntries(entries), name });
  if (parsed.success && parsed.data.name === "seed-pairs")
    fail(text, "seed-pairs is for methods whose clients send seeds");
  if (parsed.success) return parsed.data;
  return fail(text, reasonOf(parsed.error.issues[0]!, name, entries));
}

/**
 * What `parseLink` reads, options at their defaults included.
 *
 * @example
 * ```ts
 * import { writeLink } from "@anabranch/core";
 * writeLink({ name: "nf4", block: 64 }); // => "nf4 block=64"
 * ```
 */
export function writeLink({ name, ...options }: CompressionLink): string {
  return [name, ...Object.entries(options).map(([key, value]) => `${key}=${value}`)].join(" ");
}

const EXAMPLES = [
  "top-k density=0.01",
  "rand-k density=0.01",
  "count-sketch size=0.1",
  "srht size=0.1",
  "qsgd levels=4",
  "natural",
  "sign",
  "e3m0",
  "one-byte",
  "non-zeros",
  "nf4",
  "fedzip keep=0.1",
];

/** An operator with options that it cannot do without; the name where it needs none. */
export function exampleLink(name: string): string {
  return EXAMPLES.find((example) => example.split(" ")[0] === name) ?? name;
}

function listed(examples: readonly string[]): string {
  const quoted = examples.map((example) => `"${example}"`);
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

function optionValue(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return Number.isNaN(number) ? text : number;
}

function reasonOf(issue: z.core.$ZodIssue, name: string, entries: readonly (readonly [string, unknown])[]): string {
  const where = issue.path.join(".");
  if (where === "name") {
    const near = nearest(
      name,
      EXAMPLES.map((example) => example.split(" ")[0]!),
    );
    return `no operator of this name${near === undefined ? "" : `; did you mean ${near}?`}`;
  }
  if (where === "") return issue.message;
  return entries.some(([key]) => key === where) ? `${where} has to be ${expectation(issue)}` : `${where} is missing`;
}

/** What an option takes, in words. */
function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === "too_small") return `${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`;
  if (issue.code === "too_big") return `${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}`;
  if (issue.code === "invalid_type") return issue.expected === "int" ? "an integer" : `a ${issue.expected}`;
  return issue.message;
}

function unreadable(text: string, why: string, where: string): AnabranchError {
  return new AnabranchError({
    code: "compression/operator",
    message: `the compression operator cannot be read: ${why}`,
    where,
    received: JSON.stringify(text.slice(0, 100)),
    expected: listed(EXAMPLES),
    advice: "Write the name of an operator, then its options as key=value.",
  });
}
