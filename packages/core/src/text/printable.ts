/**
 * Texts from outside (names, file names, headers, messages) where people read them. A terminal obeys control characters,
 * and marks of direction or invisible characters make a text look like another one.
 */

/**
 * Controls (C0, DEL, C1), format characters (marks of direction, zero width, tags), line and paragraph separators,
 * invisible letters, lone surrogates and non-characters. Variation selectors stay: emoji need them, and they move nothing.
 */
const UNPRINTABLE = /[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{DI}\p{NChar}]--[\u{fe00}-\u{fe0f}]]/gv;

const REPLACEMENT = "\ufffd";
/** Pictures of the controls: U+241B shows ESC. */
const PICTURES = 0x2400;

/**
 * The text with a visible character in place of every one that steers or deceives: `␛` for ESC, `␊` for a line feed, `�`
 * where there is no picture. One code point each, so that columns stay as they were counted.
 *
 * @param kept controls that are meant, e.g. "\n"
 * @example
 * ```ts
 * import { printable } from "@anabranch/core";
 * printable("a\u0007b"); // => "a␇b"
 * ```
 */
export function printable(text: string, kept = ""): string {
  return text.replace(UNPRINTABLE, (character) => (kept.includes(character) ? character : visible(character)));
}

function visible(character: string): string {
  const code = character.codePointAt(0)!;
  if (code < 0x20) return String.fromCodePoint(PICTURES + code);
  return code === 0x7f ? "\u2421" : REPLACEMENT;
}

/**
 * A value as JSON that can be printed: what `printable` replaces is escaped, and reads back as it was.
 *
 * @example
 * ```ts
 * import { jsonText } from "@anabranch/core";
 * jsonText({ a: [1, Number.NaN] }); // => "{\"a\":[1,null]}"
 * ```
 */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(UNPRINTABLE, (character) =>
    character === "\n" ? character : character.replace(/[\s\S]/g, escapeUnit),
  );
}

/** One UTF-16 code unit. */
function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
