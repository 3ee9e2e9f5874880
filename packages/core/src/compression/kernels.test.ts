import { describe, expect, it } from "vitest";
import { deriveKey, randomStream, rootKey } from "../random/index.ts";
import { cluster, compressorOf, largestEntries, parseLink } from "./index.ts";

const key = rootKey(7);
const context = () => ({ floatBytes: 4, stream: randomStream(key) }) as const;

describe("a payload", () => {
  it.each([
    "qsgd levels=4",
    "qsgd levels=3 bucket=7",
    "qsgd levels=90 bucket=5000 coding=fixed",
    "natural",
    "e3m0",
    "nf4",
    "nf4 block=24",
    "nf4 block=8192",
  ])("of %s has the same codes from kernels as from plain loops", (link) => {
    const stream = randomStream(deriveKey(key, "kernels"));
    const single = Float32Array.from({ length: 20_003 }, (_, i) =>
      i % 9000 < 60 ? 0 : (stream.float() - 0.5) ** 3 * (i % 97 === 0 ? 1e-40 : 2),
    );
    const compressor = compressorOf([parseLink(link)]);
    const [kernels, plain] = [single, Float64Array.from(single)].map((vector) => compressor.encode(vector, context()));
    expect(kernels).toEqual(plain);
    const decoded = [new Float32Array(single.length), new Float64Array(single.length)] as const;
    for (const out of decoded) compressor.decode(plain!, out, { floatBytes: 4, stream: randomStream(key) });
    expect(decoded[0]).toEqual(Float32Array.from(decoded[1]));
  });

  it.each([
    [0.9, 0],
    [0.001, 1],
    [0.1, 2],
  ])("of fedzip that keeps %d has its clusters, in code %d", (keep, coding) => {
    const stream = randomStream(deriveKey(key, "clusters"));
    const vector = Float32Array.from({ length: 5003 }, () => stream.float() - 0.5);
    const { symbols, centroids } = cluster(vector, keep, 10);
    const compressor = compressorOf([{ name: "fedzip", keep, iterations: 10 }]);
    const payload = compressor.encode(vector, { ...context(), floatBytes: 8 });
    expect(payload[0]).toBe(coding);
    const decoded = new Float64Array(vector.length);
    compressor.decode(payload, decoded, { ...context(), floatBytes: 8 });
    expect(decoded).toEqual(Float64Array.from(symbols, (symbol) => centroids[symbol]!));
    // nearest to its centroid, as distances tell
    const kept = largestEntries(vector, Math.floor(keep * vector.length));
    for (const i of kept) {
      const distances = centroids.map((centroid) => Math.abs(vector[i]! - centroid));
      expect(distances[symbols[i]!]).toBe(Math.min(...distances));
    }
  });
});
