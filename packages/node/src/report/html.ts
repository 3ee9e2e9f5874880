import { printable } from "@anabranch/core";

/** A piece of HTML that may be put into a page as it is. */
export interface Html {
  readonly html: string;
}

type Value = Html | string | number | undefined | readonly Html[];

/**
 * Escapes a text for element content and quoted attributes of HTML and SVG. Characters that steer, hide or reorder text,
 * among them all that XML forbids, are replaced by visible ones; line breaks and tabs stay.
 */
export function escapeHtml(text: string): string {
  return printable(text.replaceAll("\r\n", "\n"), "\n\t")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** A template whose values are escaped, except those that are HTML already; undefined leaves nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  const body = strings.map((part, index) => part + render(values[index])).join("");
  return { html: body };
}

/** Marks a text that is known to be safe HTML: our own style sheet and the charts. */
export function trusted(source: string): Html {
  return { html: source };
}

function render(value: Value): string {
  if (value === undefined) return "";
  if (typeof value === "string" || typeof value === "number") return escapeHtml(String(value));
  return "html" in value ? value.html : value.map((part) => part.html).join("\n");
}
