import { printable } from "@anabranch/core";

/** Marks that Markdown, its tables, GitHub's mathematics, MDX or HTML give a meaning to. */
const MARKS = /[\\`*_[\]<>#~$&{}]/g;
/** Addresses become links without any mark: `https://`, `www.`, `name@host`. */
const ADDRESSES = /:(?=\/\/)|(?<=www)\.|@/gi;

/**
 * Text from outside within a line of Markdown, to be read as it is: no mark-up, HTML, link or column comes of it. Bars are
 * character references, as a backslash before one is read in two ways.
 */
export function markdownText(text: string): string {
  return printable(text.replace(/\s+/gu, " ").trim())
    .replace(MARKS, "\\$&")
    .replace(ADDRESSES, "\\$&")
    .replaceAll("|", "&#124;");
}

/** The same where a line or a list's item begins with it: no heading, list or rule comes of it either. */
export function markdownLine(text: string): string {
  return markdownText(text)
    .replace(/^[-+=]/, "\\$&")
    .replace(/^(\d+)([.)])(?=\s|$)/, "$1\\$2");
}

/** Text from outside as code within a line. */
export function markdownCode(text: string): string {
  const line = printable(text);
  // within backticks a bar cannot be escaped for tables, nor a backtick at all
  return line.trim() !== line || line === "" || /[`|\\]/.test(line)
    ? `<code>${markdownText(line)}</code>`
    : `\`${line}\``;
}
