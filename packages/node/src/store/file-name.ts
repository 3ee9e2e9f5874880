import { hashText } from "@anabranch/engine";

/** Names that Windows keeps for devices, whatever ending they have. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)$/;

/** Characters that are looked at; what comes after them is not shown anyway. */
const longestText = 1000;

const longestName = 120;

/**
 * A text as part of a file name on every system: letters a to z, digits and single hyphens, never empty, at most `length`
 * long. Texts of runs may be anybody's: nothing of them becomes a folder, an ending or an option.
 */
export function slug(text: string, length = 40): string {
  const plain = text
    .slice(0, longestText)
    .toLowerCase()
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, length)
    .replace(/-+$/, "");
  if (plain === "") return "run";
  return reserved.test(plain) ? `${plain}-run` : plain;
}

/** One file name of several texts, each as `slug` has it. A long one ends in a hash, so that it stays distinct. */
export function fileNameOf(...parts: readonly string[]): string {
  const name = parts.map((part) => slug(part)).join("-");
  return name.length <= longestName ? name : `${name.slice(0, longestName - 9)}-${hashText(name).slice(0, 8)}`;
}
