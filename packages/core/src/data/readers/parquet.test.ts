import { describe, expect, it } from "vitest";
import { readParquet } from "./parquet.ts";

// Both files were written by hyparquet-writer 0.17.0.

/** width DOUBLE, age INT32, kind STRING, site INT64, gap DOUBLE with a null in row 1; four rows. */
const TREES = decode(`
  UEFSMRUGFUQVOlwVCBUAFQgVABUEFQAAAAMPIAAABQEE+D8FBwgABEAJCCQIwAAAAAAAANA/FQYVJBUoXBUIFQAVCBUAFQQVAAAAAw8QPAoAAA
  AUAAAAHgAAACgAAAAVBhU8FUBcFQgVABUIFQAVBBUAAAADDxxsAwAAAG9hawMAAABlbG0DAAAAb2FrAwAAAGFzaBUGFUQVMFwVCBUAFQgVABUE
  FQAAAAMPIAQHAAkBEQgACQkPIAAHAAAAAAAAABUGFTQVMFwVCBUCFQgVABUEFQAAAAMNGAAABQEE8D8FBygACEAAAAAAAAAQQBUEGWxIBHJvb3
  QVCgAVCiUCGAV3aWR0aAAVAiUCGANhZ2UAFQwlAhgEa2luZCUAABUEJQIYBHNpdGUAFQolAhgDZ2FwABYIGRwZXCYIHBUKGRUAGRgFd2lkdGgV
  AhYIFm4WZCYIPDYAKAgAAAAAAAAEQBgIAAAAAAAACMA2AAAZHBUGFQAVAgAAACZsHBUCGRUAGRgDYWdlFQIWCBZOFlImbDw2ACgEKAAAABgECg
  AAAAAZHBUGFQAVAgAAACa+ARwVDBkVABkYBGtpbmQVAhYIFmYWaia+ATw2ACgDb2FrGANhc2gAGRwVBhUAFQIAAAAmqAIcFQQZFQAZGARzaXRl
  FQIWCBZuFlomqAI8NgAoCAkAAAAAAAAAGAgHAAAAAAAAAAAZHBUGFQAVAgAAACaCAxwVChkVABkYA2dhcBUCFggWXhZaJoIDPDYCKAgAAAAAAA
  AQQBgIAAAAAAAA8D82AAAZHBUGFQAVAgAAABbuAxYINtQDACgJaHlwYXJxdWV0GVwcAAAcAAAcAAAcAAAcAAAAlAEAAFBBUjE=
`);

/** image { bytes, path } of two PNG files of 2 x 1 grey pixels (1 2; 250 3), label INT64 (4; 0), point LIST of DOUBLE. */
const IMAGES = decode(`
  UEFSMRUGFaYCFdgBXBUEFQAVBBUAFQYVAAAAAwoAkAHwSEQAAACJUE5HDQoaCgAAAA1JSERSAAAAAgAAAAEIAAAAANFJIFYAAAALSURBVHheY2
  BkAgAABwAECgM9tAAAAABJRU5ErkJggkS6SABc+MUMAAH6AP51eLe+AAAAAElFTkSuQmCCFQYVKhUuXBUEFQAVBBUAFQYVAAAAAwoAEkQFAAAA
  YS5wbmcFAAAAYi5wbmcVBhUkFShcFQQVABUEFQAVBBUAAAADAxA8BAAAAAAAAAAAAAAAAAAAABUGFWoVUFwVDBUAFQQVABUGFQQAAAM2A/8PMA
  AABQEE8D8FBwgAAEAJCAAIDQgAEA0IJBRAAAAAAAAAGkAVBBmMSARyb290FQYANQIYBWltYWdlFQQAFQwlAhgFYnl0ZXMAFQwlAhgEcGF0aCUA
  ABUEJQIYBWxhYmVsADUCGAVwb2ludBUCFQYANQQYBGxpc3QVAgAVCiUCGAdlbGVtZW50ABYEGRwZTCYIHBUMGRUAGSgFaW1hZ2UFYnl0ZXMVAh
  YEFtQCFoYCJggAACaOAhwVDBkVABkoBWltYWdlBHBhdGgVAhYEFlQWWCaOAgAAJuYCHBUEGRUAGRgFbGFiZWwVAhYEFk4WUibmAgAAJrgDHBUK
  GRUAGTgFcG9pbnQEbGlzdAdlbGVtZW50FQIWDBaUARZ6JrgDAAAWigUWBDaqBAAZABgJaHlwYXJxdWV0GUwcAAAcAAAcAAAcAAAAIQEAAFBBUj
  E=
`);

function decode(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

describe("readParquet", () => {
  it("puts numeric columns side by side", async () => {
    const dataset = await readParquet(TREES, {
      name: "trees",
      label: "kind",
      features: ["age", "width"],
      group: "site",
    });
    expect(dataset.features).toEqual({
      dtype: "float",
      shape: [4, 2],
      data: Float32Array.of(10, 1.5, 20, 2.5, 30, -3, 40, 0.25),
    });
    expect(dataset.classNames).toEqual(["ash", "elm", "oak"]);
    expect([...dataset.labels.data]).toEqual([2, 1, 2, 0]);
    expect([...dataset.groups!]).toEqual([0, 0, 1, 0]);
    expect(dataset.groupNames).toEqual(["7", "9"]);
  });

  it("spreads lists of numbers", async () => {
    const dataset = await readParquet(IMAGES, { name: "points", label: "label", features: ["point"] });
    expect(dataset.features).toMatchObject({ shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6.5) });
    expect(dataset.classNames).toEqual(["0", "4"]);
    expect([...dataset.labels.data]).toEqual([1, 0]);
  });

  it("decodes a column of images", async () => {
    const dataset = await readParquet(IMAGES, { name: "images", label: "label", features: ["image"], channels: 1 });
    expect(dataset.features).toEqual({ dtype: "uint8", shape: [2, 1, 1, 2], data: Uint8Array.of(1, 2, 250, 3) });
  });

  it("says what is missing or unusable", async () => {
    const read = (label: string, ...features: string[]) => readParquet(TREES, { name: "trees", label, features });
    await expect(read("kind", "depth")).rejects.toThrow(/width, age, kind, site, gap.*"depth"/);
    await expect(read("kind", "gap")).rejects.toThrow(/row 1, columns gap/);
    await expect(read("gap", "age")).rejects.toThrow(/row 1, column gap.*nothing/);
    await expect(read("age", "kind")).rejects.toMatchObject({ code: "data/parquet-value" });
    const cut = readParquet(TREES.subarray(0, 100), { name: "trees", label: "kind", features: ["age"] });
    await expect(cut).rejects.toMatchObject({ code: "data/parquet" });
  });
});
