import { expect, it } from "vitest";
import { fuzzDecoders, fuzzRounds, wireSubjects } from "./testing/fuzz.ts";
import { cachedCurves } from "./testing/rounds.ts";

const curves = cachedCurves();

it("every kind of message is among those that are damaged, and is read as it is", async () => {
  const subjects = await wireSubjects(curves);
  expect(new Set(subjects.map(({ name }) => name.replace(/^(pairwise|coded) /, ""))).size).toBe(11);
  for (const { read, bytes } of subjects) expect(() => read(bytes)).not.toThrow();
});

it("4,000 damaged messages are refused or read, and nothing else happens", async () => {
  const { refused, read } = await fuzzDecoders(curves, 4000, 1);
  expect(refused + read).toBe(4000);
  // Damage inside a key, a signature or a vector cannot be seen by a decoder.
  expect(refused).toBeGreaterThan(2000);
  expect(read).toBeGreaterThan(100);
});

it("60 rounds with damaged messages all end, some of them with a sum", async () => {
  const { sums } = await fuzzRounds(curves, 60, 2);
  expect(sums).toBeGreaterThan(0);
  expect(sums).toBeLessThan(60);
});

it("a list that claims 2^32 - 1 entries is refused before anything is made for it", async () => {
  const subjects = await wireSubjects(curves);
  const lists = subjects.filter(({ name }) => /advertisements|boxes|agreements|revealed/.test(name));
  for (const { read, bytes } of lists) {
    const claimed = bytes.slice();
    new DataView(claimed.buffer).setUint32(26, 0xffffffff, true);
    expect(() => read(claimed)).toThrow(expect.objectContaining({ code: "secure-aggregation/malformed" }));
  }
  expect(lists.length).toBe(7);
});
