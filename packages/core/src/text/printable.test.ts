import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonText, printable } from "./printable.ts";

/** Written down apart from the code: what a terminal, a reader or an XML parser must never be given. */
const forbidden: readonly (readonly [number, number])[] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x180e, 0x180e],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff9, 0xfffb],
  [0xfffe, 0xffff],
  [0x1fffe, 0x1ffff],
  [0xe0000, 0xe007f],
];
const isForbidden = (code: number) => forbidden.some(([first, last]) => code >= first && code <= last);
const codes = (text: string) => Array.from(text, (character) => character.codePointAt(0)!);

const hostile = fc.string({
  unit: fc.oneof(
    fc.nat(0x10ffff).map((c) => String.fromCodePoint(c)),
    fc.nat(0xa0).map((c) => String.fromCodePoint(c)),
  ),
});

describe("printable", () => {
  it("replaces every forbidden code point by one visible character", () => {
    for (const [first, last] of forbidden) {
      for (let code = first; code <= last; code++) {
        const [shown, ...more] = codes(printable(String.fromCodePoint(code)));
        expect([isForbidden(shown!), more], `U+${code.toString(16)}`).toEqual([false, []]);
      }
    }
  });

  it("keeps the number of code points, and changes nothing a second time", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = printable(text);
        expect(codes(shown).filter(isForbidden)).toEqual([]);
        expect([...shown]).toHaveLength([...text].length);
        expect(printable(shown)).toBe(shown);
      }),
      { numRuns: 2000 },
    );
  });

  it("leaves what people write: letters of all scripts, marks, emoji, spaces", () => {
    const text = "naïve Σ 模型 नमस्ते مرحبا ❤️ 👍🏽 e\u0301 a\u00a0b – “x” ± ≤";
    expect(printable(text)).toBe(text);
  });

  it("shows which control it was, and keeps those that are meant", () => {
    expect(printable("\u001b[31ma\u0007\r\n\t\u007f\u009b\u202e")).toBe("␛[31ma␇␍␊␉␡��");
    expect(printable("a\nb\tc\r", "\n\t")).toBe("a\nb\tc␍");
  });
});

describe("jsonText", () => {
  it("is JSON of the same value without a forbidden code point", () => {
    fc.assert(
      fc.property(
        fc.dictionary(hostile, fc.oneof(hostile, fc.array(hostile))),
        fc.constantFrom(undefined, 2),
        (value, indent) => {
          const text = jsonText(value, indent);
          expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
          expect(codes(text).filter((code) => code !== 10 && isForbidden(code))).toEqual([]);
        },
      ),
      { numRuns: 1000 },
    );
    expect(jsonText({ name: "a\u202eb\u{e0001}\u009b" })).toBe('{"name":"a\\u202eb\\udb40\\udc01\\u009b"}');
  });
});
