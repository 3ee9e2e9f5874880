import { exampleLink } from "./compression/parse-link.ts";
import { ANY_VALUE, optionReferences, toolReferences } from "./option-references.ts";

/**
 * How a configuration, the command line or a program names a system of `optionReferences` or `toolReferences`.
 *
 * @example
 * ```ts
 * import { optionUse } from "@anabranch/core";
 * optionUse("compression.up", "top-k"); // => 'compression.up = ["top-k density=0.01"]'
 * ```
 */
export function optionUse(key: string, value: string): string {
  if (key === "library") return value;
  if (value === ANY_VALUE) return key;
  if (key.includes(" ")) return `${key} ${value}`;
  if (key === "compression.up") return `${key} = ["${exampleLink(value)}"]`;
  return key === "aggregation.before" ? `${key} = ["${value}"]` : `${key} = "${value}"`;
}

/**
 * Uses of a system that is no method, by its name in the paper or by its value; none where the name is unknown. Case,
 * hyphens and spaces do not matter.
 *
 * @example
 * ```ts
 * import { usesOfSystem } from "@anabranch/core";
 * usesOfSystem("DGC"); // => ['compression.feedback = "dgc"']
 * ```
 */
export function usesOfSystem(name: string): string[] {
  const wanted = plain(name);
  return Object.entries({ ...optionReferences, ...toolReferences }).flatMap(([key, papers]) =>
    Object.entries(papers)
      .filter(([value, texts]) => [value, ...texts.flatMap(systemNames)].some((known) => plain(known) === wanted))
      .map(([value]) => (key === "library" ? `${value} of @anabranch/core` : optionUse(key, value))),
  );
}

/** The note before the authors; one note may name two systems. */
function systemNames(text: string): string[] {
  return (/^([A-Za-z][^:"]*): /.exec(text)?.[1] ?? "").split(" and ");
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[\s_-]|style$/g, "");
}
