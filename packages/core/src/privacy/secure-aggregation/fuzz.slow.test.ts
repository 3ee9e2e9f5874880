import { expect, it } from "vitest";
import { fuzzDecoders, fuzzRounds } from "./testing/fuzz.ts";
import { cachedCurves } from "./testing/rounds.ts";

const curves = cachedCurves();

it("100,000 damaged messages are refused or read, in bounded memory", async () => {
  await fuzzDecoders(curves, 1000, 3);
  globalThis.gc?.();
  const before = process.memoryUsage();
  let most = 0;
  for (let part = 0; part < 20; part++) {
    const { refused, read } = await fuzzDecoders(curves, 5000, 10 + part);
    expect(refused + read).toBe(5000);
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    most = Math.max(most, heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers);
  }
  // Messages have 2 KB at most; what is not yet collected of 100,000 of them stays below 256 MB.
  expect(most).toBeLessThan(256 * 2 ** 20);
});

it("1,000 rounds with damaged messages all end", async () => {
  const { sums, messages } = await fuzzRounds(curves, 1000, 4);
  expect(messages).toBeGreaterThan(10_000);
  expect(sums).toBeGreaterThan(0);
});
