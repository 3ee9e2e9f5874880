import { decodePayload, deriveKey, encodePayload, layout, parseLink, randomStream, rootKey } from "@anabranch/core";
import { type BenchOptions, type BenchResult, count, undisturbed } from "./lib/result.ts";

const SIZE = 1_626_442;
const CHAINS = [
  ["top-k density=0.01"],
  ["top-k density=0.1"],
  ["top-k density=0.01", "nf4"],
  ["rand-k density=0.01"],
  ["rand-k density=0.1"],
  ["count-sketch size=0.1"],
  ["srht size=0.1"],
  ["qsgd levels=4"],
  ["qsgd levels=15 coding=fixed"],
  ["natural"],
  ["sign"],
  ["e3m0"],
  ["nf4"],
  ["fedzip keep=0.1"],
];

/**
 * Encoding and decoding 1,626,442 float32 by each chain of compression operators: one thread, in
 * `--rounds` (5) turns or more. GB/s are those of the values that go in. A memory pass sums the absolute values.
 */
export async function run(options: BenchOptions): Promise<BenchResult> {
  const rounds = count(options, "rounds", 5);
  const vector = randomVector();
  const model = layout([{ name: "w", shape: [SIZE], role: "vector", block: "w" }]);
  const pass = undisturbed(rounds, () => void absoluteSum(vector));
  const rows = CHAINS.filter((chain) => chain.join().includes(options["only"] ?? "")).map((chain) => {
    const settings = { up: chain.map((text) => parseLink(text)), scope: "model" } as const;
    const encoded = () => encodePayload(settings, model, vector, rootKey(1));
    const payload = encoded();
    const encode = undisturbed(rounds, () => void encoded());
    const decode = undisturbed(
      rounds,
      () => void decodePayload(settings, model, payload, (length) => new Float32Array(length)),
    );
    const rate = (ms: number) => (4 * SIZE) / ms / 1e6;
    return {
      label: chain.join(" + "),
      values: {
        "ms encode": encode,
        "ms decode": decode,
        "GB/s encode": rate(encode),
        "GB/s decode": rate(decode),
        "memory passes": (encode + decode) / pass,
        "times smaller": (4 * SIZE) / payload.length,
      },
    };
  });
  const notes = [`a memory pass: ${pass.toFixed(2)} ms`];
  return { name: `compression: ${SIZE} float32`, rows, checks: [], notes };
}

function absoluteSum(vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += Math.abs(vector[i]!);
  return sum;
}

/** Values whose sizes differ by some powers of two, as those of updates do. */
function randomVector(): Float32Array {
  const words = new Uint32Array(SIZE);
  randomStream(deriveKey(rootKey(0), "update")).uint32s(words);
  return Float32Array.from(words, (word) => {
    const uniform = word / 2 ** 32 - 0.5;
    return uniform * uniform * uniform;
  });
}
