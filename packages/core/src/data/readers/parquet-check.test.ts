import { AnabranchError } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { readParquet } from "./parquet.ts";
import { checkRuns } from "./parquet-runs.ts";
import { type ParquetClaims, parquetFile, varint } from "./testing/parquet-file.ts";

const read = (claims: ParquetClaims) =>
  readParquet(parquetFile(claims), { name: "x.parquet", label: "x", features: ["x"] });

async function failure(claims: ParquetClaims): Promise<AnabranchError> {
  const error: unknown = await read(claims).catch((reason: unknown) => reason);
  if (error instanceof AnabranchError) return error;
  throw error;
}

/** Indices of a dictionary of one value: bits of an index, then runs. */
const ofDictionary = { encoding: 8, dictionary: [7, 0, 0, 0] };

describe("a Parquet file", () => {
  it("is read where it says the truth", async () => {
    expect([...(await read({})).features.data]).toEqual([1, 2, 3]);
    expect([...(await read({ ...ofDictionary, body: [1, ...varint(2 * 3), 0] })).features.data]).toEqual([7, 7, 7]);
    // 5, then differences of 1 + 0: a block of 128 in 4 parts, 3 values, the first 5, the least difference 1, no bits.
    const deltas = [128, 1, 4, 3, 10, 2, 0, 0, 0, 0];
    expect([...(await read({ encoding: 5, body: deltas })).features.data]).toEqual([5, 6, 7]);
    // Eight packed bits, of which three are values.
    expect([...(await read({ ...ofDictionary, body: [1, 3, 0] })).features.data]).toEqual([7, 7, 7]);
  });

  it.each<[string, ParquetClaims, string, RegExp]>([
    ["more rows than values", { rows: 5_000_000, values: 3 }, "data/parquet", /3 values of x for 5000000 rows/],
    ["rows beyond 32 bits", { rows: 4e12 }, "data/parquet", /rows of a group: 4000000000000/],
    ["rows below 0", { rows: -3 }, "data/parquet", /rows of a group: -3/],
    [
      "a group of more rows than the file",
      { rows: 3, groupRows: 2 ** 30, values: 3 },
      "data/parquet",
      /for 1073741824 rows/,
    ],
    ["far more values than bytes", { values: 2e9 }, "data/too-large", /2,000,000,000 values in \d+ bytes/],
    [
      "one value a million times",
      { ...ofDictionary, rows: 1e6, body: [1, ...varint(2e6), 0] },
      "data/too-large",
      /1,000,000 values in 1\d\d bytes/,
    ],
    [
      "a run of 2^31 values",
      { ...ofDictionary, body: [1, ...varint(2 * (2 ** 31 - 1)), 0] },
      "data/parquet",
      /a run of 2147483647 values in a page of 3/,
    ],
    [
      "packed values of no bits",
      { ...ofDictionary, body: [0, ...varint(2 ** 32 - 1)] },
      "data/parquet",
      /a run of \d+ values/,
    ],
    ["indices of 200 bits", { ...ofDictionary, body: [200, 6, 0] }, "data/parquet", /200 bits/],
    [
      "differences in minus one part",
      { encoding: 5, body: [128, 1, ...varint(2 ** 32 - 1), 3, 2] },
      "data/parquet",
      /4294967295 parts/,
    ],
    ["differences in blocks of nothing", { encoding: 6, body: [0, 4, 3, 2] }, "data/parquet", /blocks of 0 values/],
    ["texts that share beginnings", { encoding: 7, body: [128, 1, 4, 3, 2] }, "data/parquet", /DELTA_BYTE_ARRAY/],
    ["a page of a negative length", { packedBytes: -20 }, "data/parquet", /length of a page: -20/],
    ["a page beyond its column", { packedBytes: 1000 }, "data/parquet", /page of 1000 bytes does not fit/],
    [
      "a page that unpacks to 2 GiB",
      { codec: 1, unpackedBytes: 2 ** 31 - 1 },
      "data/parquet",
      /page of 2147483647 bytes in 12/,
    ],
    [
      "a dictionary of 2 billion values",
      { ...ofDictionary, dictionaryValues: 2e9, body: [1, 6, 0] },
      "data/parquet",
      /dictionary of 2000000000 values in 4 bytes/,
    ],
    ["a column beyond the file", { chunkBytes: 2e9 }, "data/parquet", /column ends at byte/],
    ["a column that the schema lacks", { path: ["x", "y"] }, "data/parquet", /x\.y is not in the schema/],
    ["a column twice", { columns: 2 }, "data/parquet", /column x twice/],
    ["columns that are not there", { children: 2e9 }, "data/parquet", /schema lacks columns/],
    ["no rows", { rows: 0 }, "data/parquet", /no rows/],
  ])("is refused where it claims %s", async (_, claims, code, message) => {
    const error = await failure(claims);
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });

  it("is refused where lists are longer than the file, or nested", async () => {
    const file = (footer: readonly number[]) =>
      Uint8Array.from([
        ...Buffer.from("PAR1"),
        ...footer,
        footer.length & 255,
        footer.length >> 8,
        0,
        0,
        ...Buffer.from("PAR1"),
      ]);
    const read = (footer: readonly number[]) => readParquet(file(footer), { name: "x", label: "x", features: ["x"] });
    // Field 2, a list of 2^28 structures; then lists of lists, each of which claims 33 million elements.
    await expect(read([0x29, 0xfc, ...varint(2 ** 28)])).rejects.toThrow(/list of 268435456 elements does not fit/);
    const nested = Array.from({ length: 100 }, () => [0xf9, ...varint(2)]).flat();
    await expect(read([0x29, ...nested, 0, 0])).rejects.toThrow(/nested too deeply/);
  });
});

describe("checkRuns", () => {
  it("ends with the values or with the bytes", () => {
    expect(() => checkRuns(Uint8Array.of(...new Uint8Array(100)), 8, 5)).not.toThrow();
    expect(() => checkRuns(Uint8Array.of(6, 1, 4, 2), 8, 5)).not.toThrow();
    expect(() => checkRuns(Uint8Array.of(12, 1), 8, 5)).toThrow(/run of 6 values in a page of 5/);
    expect(() => checkRuns(Uint8Array.of(255, 255, 255, 255, 255, 1), 8, 5)).toThrow(/too long/);
  });
});
