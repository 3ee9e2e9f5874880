import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fileNameOf, slug } from "./file-name.ts";

describe("slug", () => {
  it.each([
    ["FedAvg, a = 0.1 (größer)!", "fedavg-a-0-1-gro-er"],
    ["", "run"],
    ["   ", "run"],
    [".", "run"],
    ["..", "run"],
    ["../../etc/passwd", "etc-passwd"],
    ["..\\..\\windows", "windows"],
    ["C:\\data", "c-data"],
    ["a/b", "a-b"],
    ["a.toml", "a-toml"],
    [".hidden", "hidden"],
    ["-rf", "rf"],
    ["--output=x", "output-x"],
    ["$(reboot)`x`;y", "reboot-x-y"],
    ["\u001b]0;title\u0007x", "0-title-x"],
    ["a\u0000b\nc", "a-b-c"],
    ["日本語", "run"],
    ["Ünïcödé", "unicode"],
    ["Ａ１", "a1"],
    ["con", "con-run"],
    ["NUL", "nul-run"],
    ["com1", "com1-run"],
    ["com10", "com10"],
    ["__proto__", "proto"],
    ["x".repeat(1_000_000), "x".repeat(40)],
    [`${"x".repeat(39)}-y`, "x".repeat(39)],
  ])("makes %j a file name", (text, expected) => {
    expect(slug(text)).toBe(expected);
  });

  it("is a plain name for every text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        expect(slug(text)).toMatch(/^[a-z0-9](-?[a-z0-9])*$/);
        expect(slug(text).length).toBeLessThanOrEqual(44);
        expect(slug(slug(text))).toBe(slug(text));
      }),
      { numRuns: 2000, seed: 1 },
    );
  });
});

describe("the file name of several texts", () => {
  it("joins them, and stays short and distinct where they are many", () => {
    expect(fileNameOf("Mine", "../x", "abc234")).toBe("mine-x-abc234");
    const ids = Array.from({ length: 1000 }, (_, i) => `run${i}`);
    const [one, other] = [fileNameOf("compare", ...ids), fileNameOf("compare", ...ids.slice(1), "run0")];
    expect(one).toMatch(/^compare-run0-run1-.*-[0-9a-f]{8}$/);
    expect(one.length).toBe(120);
    expect(other.length).toBe(120);
    expect(fileNameOf("compare", ...ids, "more")).not.toBe(one);
  });
});
