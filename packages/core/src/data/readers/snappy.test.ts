import fc from "fast-check";
import { snappyUncompress } from "hyparquet";
import { describe, expect, it } from "vitest";
import { unpackSnappy } from "./snappy.ts";

describe("unpackSnappy", () => {
  it("unpacks literals, and copies that reach into themselves", () => {
    // Length 11; the literal "abc"; copy 4 from 3 back (kind 1); copy 2 from 7 back (kind 2); 2 from 2 back (kind 3).
    const block = Uint8Array.of(11, 2 << 2, 97, 98, 99, 1, 3, (1 << 2) + 2, 7, 0, (1 << 2) + 3, 2, 0, 0, 0);
    expect(new TextDecoder().decode(unpackSnappy(block, 11))).toBe("abcabcaabab");
    expect(unpackSnappy(Uint8Array.of(0), 0)).toHaveLength(0);
  });

  it("takes literals with lengths of one to four bytes", () => {
    const literal = new Uint8Array(300).fill(5);
    for (const extra of [2, 3, 4]) {
      const length = [43, 1, 0, 0].slice(0, extra); // 300 - 1
      const block = Uint8Array.of(172, 2, (59 + extra) << 2, ...length, ...literal);
      expect(unpackSnappy(block, 300)).toEqual(literal);
    }
  });

  it("agrees with another implementation wherever that ends", () => {
    // Bytes with which a literal's length is below 2^24: the other one goes backwards on some above.
    const byte = fc.oneof(
      fc.nat(255).filter((each) => each >>> 2 !== 63 || (each & 3) !== 0),
      fc.constantFrom(0, 1, 5, 9),
    );
    fc.assert(
      fc.property(fc.array(byte, { minLength: 2, maxLength: 30 }), fc.nat(40), (bytes, length) => {
        fc.pre(bytes.some((each) => each < 128));
        // the other one takes offsets of 2^31 and more for negative ones, and copies from nowhere
        fc.pre(!bytes.some((each, i) => (each & 3) === 3 && bytes[i + 4]! >= 128));
        const input = Uint8Array.from(bytes);
        const expected = new Uint8Array(length);
        try {
          snappyUncompress(input, expected);
        } catch {
          return; // what it refuses for other reasons is not compared
        }
        expect(unpackSnappy(input, length)).toEqual(expected);
      }),
      { numRuns: 5000 },
    );
  });

  it.each<[string, number[], RegExp]>([
    ["a literal of 4 GiB", [3, 252, 255, 255, 255, 255, 1, 2], /literal does not fit/],
    ["a literal beyond the output", [3, 16, 1, 2, 3, 4, 5], /literal does not fit/],
    ["a copy from before the beginning", [3, 0, 1, 1, 9], /copy does not fit/],
    ["a copy from nowhere", [3, 0, 1, 1, 0], /copy does not fit/],
    ["a copy beyond the output", [3, 0, 1, 254, 1, 0], /copy does not fit/],
    ["a length that is cut off", [3, 252, 1], /cut off/],
    ["fewer bytes", [3, 0, 1], /1 bytes instead of 3/],
    ["nothing", [], /0 bytes instead of 3/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => unpackSnappy(Uint8Array.from(bytes), 3)).toThrow(message);
  });
});
