import { deriveKey, fold, hashVector, randomStream, rootKey } from "@anabranch/core";
import { afterEach, describe, expect, it } from "vitest";
import { ShardedFold } from "./sharded-fold.ts";

/** Longer than two blocks of the fold, and not divisible by the number of threads. */
const size = 10_007;
const rules = ["weightedMean", "uniformMean", "sum"] as const;

function shared(length = size): Float32Array {
  return new Float32Array(new SharedArrayBuffer(4 * length) as unknown as ArrayBuffer);
}

const updates = Array.from({ length: 11 }, (_, k) => {
  const stream = randomStream(deriveKey(rootKey(3), k));
  const vector = shared();
  for (let i = 0; i < size; i++) vector[i] = stream.float() - 0.5;
  return vector;
});
const weights = updates.map((_, k) => 1 + k / 3);

let open: ShardedFold | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

describe("ShardedFold", () => {
  it.each(
    rules,
  )("gives the bits of the sequential fold for %s with 1, 2 and 3 threads, in groups or one by one", async (rule) => {
    const sequential = fold(rule, size);
    for (const [k, update] of updates.entries()) sequential.add(update, weights[k]!);
    const expected = hashVector(sequential.result(new Float32Array(size)));
    for (const workers of [1, 2, 3]) {
      open = await ShardedFold.start({ rule, size, workers });
      await open.addAll(updates, weights);
      expect(hashVector((await open.result(shared())).slice())).toBe(expected);
      await open.reset();
      await open.addAll(updates.slice(0, 1), weights.slice(0, 1));
      await open.addAll(updates.slice(1), weights.slice(1));
      expect(hashVector((await open.result(shared())).slice())).toBe(expected);
      await open.close();
    }
  });

  it("refuses vectors that do not fit, that threads cannot see, impossible weights and an empty mean", async () => {
    open = await ShardedFold.start({ rule: "weightedMean", size, workers: 2 });
    await expect(open.result(shared())).rejects.toMatchObject({ code: "aggregation/empty" });
    await expect(open.addAll([shared(3)], [1])).rejects.toMatchObject({ code: "aggregation/length" });
    await expect(open.addAll([new Float32Array(size)], [1])).rejects.toMatchObject({ code: "aggregation/shared" });
    await expect(open.addAll(updates.slice(0, 1), [-1])).rejects.toMatchObject({ code: "aggregation/weight" });
  });

  it("rejects what is asked of it once a thread has ended", async () => {
    open = await ShardedFold.start({ rule: "sum", size, workers: 2 });
    const asked = expect(open.addAll(updates, weights)).rejects.toThrow("ended with exit code");
    await open.close();
    await asked;
    await expect(open.result(shared())).rejects.toThrow("ended with exit code");
  });
});
