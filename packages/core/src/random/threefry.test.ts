import { describe, expect, it } from "vitest";
import { fillThreefry, threefry2x32 } from "./threefry.ts";

describe("threefry2x32, 20 rounds", () => {
  // Random123 1.14, tests/kat_vectors: counter, key, output.
  const vectors: [[number, number], [number, number], [number, number]][] = [
    [
      [0x00000000, 0x00000000],
      [0x00000000, 0x00000000],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x243f6a88, 0x85a308d3],
      [0x13198a2e, 0x03707344],
      [0xc4923a9c, 0x483df7a0],
    ],
  ];

  it.each(vectors)("gives the published answer for counter %j", (counter, key, expected) => {
    expect(threefry2x32(key, counter)).toEqual(expected);
  });

  it("fills consecutive counters, with the carry into the high word", () => {
    const out = new Uint32Array(8);
    fillThreefry(out, 2, 8, 5, 6, 0xfffffffe, 9);
    expect([...out]).toEqual([
      0,
      0,
      ...threefry2x32([5, 6], [0xfffffffe, 9]),
      ...threefry2x32([5, 6], [0xffffffff, 9]),
      ...threefry2x32([5, 6], [0, 10]),
    ]);
  });
});
