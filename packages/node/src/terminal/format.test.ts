import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatFixed,
  formatPercent,
  formatPlural,
  formatSeconds,
  parametersText,
} from "./format.ts";

it("counts the parameters that clients share and keep, where not all travel", () => {
  expect(parametersText({ parameters: 1 })).toBe("1 parameter");
  expect(parametersText({ parameters: Number.NaN })).toBe("");
  const held = (personal: number, frozen: number) => ({ parameters: 3000, heldParameters: { personal, frozen } });
  expect(parametersText(held(0, 2900))).toBe("3,000 parameters, 100 shared");
  expect(parametersText(held(40, 1900))).toBe("3,000 parameters, 1,060 shared, 40 personal");
});

describe("number formats", () => {
  it("writes bytes in decimal units and never shows 1000.0 of one", () => {
    const cases: [number, string][] = [
      [0, "0 B"],
      [512, "512 B"],
      [999, "999 B"],
      [1000, "1.0 kB"],
      [999_949, "999.9 kB"],
      [999_950, "1.0 MB"],
      [12_345_678, "12.3 MB"],
      [1.5e9, "1.5 GB"],
      [2e21, "2000000.0 PB"],
      [Number.NaN, "–"],
    ];
    for (const [bytes, text] of cases) expect(formatBytes(bytes)).toBe(text);
  });

  it("writes durations as a clock", () => {
    expect([0, 20.6, 59.6, 725, 3723, -1].map(formatDuration)).toEqual([
      "0:00",
      "0:21",
      "1:00",
      "12:05",
      "1:02:03",
      "0:00",
    ]);
    expect(formatDuration(Number.POSITIVE_INFINITY)).toBe("–");
  });

  it("writes durations with units", () => {
    expect([0.0004, 0.42, 0.9996, 21.43, 59.96, 185, 3725].map(formatSeconds)).toEqual([
      "0 ms",
      "420 ms",
      "1.0 s",
      "21.4 s",
      "1 min 00 s",
      "3 min 05 s",
      "1 h 02 min",
    ]);
  });

  it("writes fractions, percent and counts", () => {
    expect(formatFixed(0.51234)).toBe("0.5123");
    expect(formatFixed(Number.NaN)).toBe("–");
    expect(formatPercent(0.81234)).toBe("81.23 %");
    expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(["0", "999", "1,000", "1,234,567"]);
    expect(formatPlural(1, "client")).toBe("1 client");
    expect(formatPlural(1000, "client")).toBe("1,000 clients");
  });
});
