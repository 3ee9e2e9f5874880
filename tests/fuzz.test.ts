import { describe, expect, it } from "vitest";
import { type FuzzResult, fuzz } from "./fuzz/fuzz.ts";
import { readers } from "./fuzz/readers.ts";

/** A few damaged files for each reader of foreign bytes; fuzz.slow.test.ts takes 50,000. */
describe("damaged files", () => {
  it.each(Object.keys(readers))("are read or refused, never anything else: %s", async (name) => {
    const result: FuzzResult = { read: 0, refused: {}, crashes: [] };
    await fuzz(readers[name]!, 0, 300, result);
    expect(result.crashes).toEqual([]);
  });

  it.each(Object.entries(readers))("come from files that are read: %s", async (_, { samples, read }) => {
    for (const sample of samples) await Promise.resolve(read(sample)).catch(() => expect.fail("a sample is refused"));
  });
});
