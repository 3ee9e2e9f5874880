import type { Vector } from "../params/index.ts";
import { BitReader, BitWriter, indexBits, malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";
import { keptEntries } from "./density.ts";
import { keepEntries } from "./rand-k.ts";
import { largestEntries } from "./select.ts";

/** Symbols 0, 1 and 2: the negative centroid, zero, the positive centroid. */
export interface Clusters {
  readonly symbols: Uint8Array;
  readonly centroids: readonly [negative: number, zero: 0, positive: number];
  readonly counts: readonly [number, number, number];
}

const codings = ["huffman", "address", "gap"] as const;
type Coding = (typeof codings)[number];

export interface FedZipOptions {
  /** Share of the entries that pruning keeps. */
  readonly keep: number;
  /** Steps of Lloyd's algorithm. */
  readonly iterations?: number | undefined;
}

/**
 * FedZip: prune to the largest entries, cluster them to two values beside 0 by k-means, and write the clusters in the
 * shortest of three codes: Huffman, addresses of the rarer clusters, or gaps between these in Elias gamma.
 * A. Malekijoo, M. J. Fadaeieslam, H. Malekijou, M. Homayounfar, F. Alizadeh-Shabdiz, R. Rawassizadeh, "FEDZIP: A
 * Compression Framework for Communication-Efficient Federated Learning", 2021. https://arxiv.org/abs/2102.01593
 */
export function fedZip({ keep, iterations = 10 }: FedZipOptions): Compressor {
  return {
    traits: { linear: false, unbiased: false, contractive: true, sharesDraws: false },
    encode(vector, { floatBytes }) {
      const { symbols, centroids, counts } = cluster(vector, keep, iterations);
      const coding = shortest(symbolBits(symbols, counts));
      const writer = new BitWriter();
      writer.write(codings.indexOf(coding), 8);
      for (const centroid of [centroids[0], centroids[2]]) writer.float(centroid, floatBytes);
      for (const count of [counts[0], counts[2]]) writer.write(count, 32);
      writeSymbols(writer, symbols, counts, coding);
      return writer.finish();
    },
    decode(bytes, out, { floatBytes }) {
      const n = out.length;
      const reader = new BitReader(bytes);
      const coding = codings[reader.read(8)];
      if (coding === undefined) throw malformed("it names no code of clusters");
      const outer = [reader.float(floatBytes), reader.float(floatBytes)] as const;
      const [negative, positive] = [reader.read(32), reader.read(32)];
      if (negative + positive > n) throw malformed(`its clusters have more than ${n} entries`);
      const symbols = readSymbols(reader, n, [negative, n - negative - positive, positive], coding);
      reader.end();
      const values = [outer[0], 0, outer[1]];
      for (let i = 0; i < n; i++) out[i] = values[symbols[i]!]!;
    },
    largest: (n, floatBytes) => 1 + 2 * floatBytes + 8 + Math.ceil((2 * n) / 8),
  };
}

/** Prunes to the share `keep` and clusters; a value joins an outer centroid only if that is strictly nearer than 0. */
export function cluster(vector: Vector, keep: number, iterations: number): Clusters {
  const indices = largestEntries(vector, keptEntries(keep, vector.length));
  const kept = keepEntries(vector, indices, false);
  let [negative, positive] = [0, 0];
  for (let i = 0; i < kept.length; i++) {
    negative = Math.min(negative, kept[i]!);
    positive = Math.max(positive, kept[i]!);
  }
  const symbols = new Uint8Array(kept.length);
  assign(symbols, kept, negative, positive);
  for (let step = 0; step < iterations; step++) {
    const means = [meanOf(kept, symbols, 0) ?? negative, meanOf(kept, symbols, 2) ?? positive] as const;
    if (means[0] === negative && means[1] === positive) break; // nothing would change any more
    [negative, positive] = means;
    assign(symbols, kept, negative, positive);
  }
  const all = new Uint8Array(vector.length).fill(1); // what was pruned is 0
  const counts: [number, number, number] = [0, vector.length - kept.length, 0];
  for (let i = 0; i < kept.length; i++) {
    all[indices[i]!] = symbols[i]!;
    counts[symbols[i]!]!++;
  }
  return { symbols: all, centroids: [negative, 0, positive], counts };
}

function assign(symbols: Uint8Array, values: Float64Array, negative: number, positive: number): void {
  for (let i = 0; i < values.length; i++) symbols[i] = nearest(values[i]!, negative, positive);
}

function nearest(value: number, negative: number, positive: number): number {
  const below = Math.abs(value - negative);
  const zero = Math.abs(value);
  const above = Math.abs(value - positive);
  if (below < zero && below <= above) return 0;
  return above < zero ? 2 : 1;
}

function meanOf(values: Float64Array, symbols: Uint8Array, symbol: number): number | undefined {
  let [sum, count] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (symbols[i] !== symbol) continue;
    sum += values[i]!;
    count++;
  }
  return count === 0 ? undefined : sum / count;
}

/** Bits of the symbols in each code. */
export function symbolBits(symbols: Uint8Array, counts: Clusters["counts"]): Record<Coding, number> {
  const n = symbols.length;
  const rare = n - Math.max(...counts);
  const last = Int32Array.of(-1, -1, -1);
  const gaps = Float64Array.of(0, 0, 0);
  const common = commonest(counts);
  for (let i = 0; i < n; i++) {
    const symbol = symbols[i]!;
    if (symbol === common) continue;
    gaps[symbol]! += 2 * (31 - Math.clz32(i - last[symbol]!)) + 1;
    last[symbol] = i;
  }
  const gap = rarer(counts).reduce((sum, symbol) => sum + gaps[symbol]!, 0);
  return { huffman: n + rare, address: rare * indexBits(n), gap };
}

/** The shortest code; of equally short ones the first. */
export function shortest(bits: Record<Coding, number>): Coding {
  return codings.reduce((best, coding) => (bits[coding] < bits[best] ? coding : best));
}

/** The most frequent symbol, of equally frequent ones the first. */
function commonest(counts: Clusters["counts"]): number {
  return counts.indexOf(Math.max(...counts));
}

function rarer(counts: Clusters["counts"]): number[] {
  return [0, 1, 2].filter((symbol) => symbol !== commonest(counts));
}

function writeSymbols(writer: BitWriter, symbols: Uint8Array, counts: Clusters["counts"], coding: Coding): void {
  const [first, second] = rarer(counts);
  if (coding === "huffman") {
    for (let i = 0; i < symbols.length; i++) {
      const symbol = symbols[i]!;
      if (symbol === first) writer.write(0b10, 2);
      else if (symbol === second) writer.write(0b11, 2);
      else writer.write(0, 1);
    }
    return;
  }
  for (const symbol of [first!, second!]) {
    let last = -1;
    for (let at = symbols.indexOf(symbol); at >= 0; at = symbols.indexOf(symbol, at + 1)) {
      if (coding === "gap") writer.gamma(at - last);
      else writer.write(at, indexBits(symbols.length));
      last = at;
    }
  }
}

function readSymbols(reader: BitReader, n: number, counts: Clusters["counts"], coding: Coding): Uint8Array {
  const symbols = new Uint8Array(n).fill(commonest(counts));
  const [first, second] = rarer(counts);
  if (coding === "huffman") {
    for (let i = 0; i < n; i++) {
      if (reader.read(1) === 1) symbols[i] = reader.read(1) === 0 ? first! : second!;
    }
    return symbols;
  }
  for (const symbol of [first!, second!]) {
    let at = -1;
    for (let k = 0; k < counts[symbol]!; k++) {
      const next = coding === "gap" ? at + reader.gamma() : reader.read(indexBits(n));
      if (next <= at || next >= n)
        throw malformed(`position ${next} of a cluster lies outside ${n} entries or repeats`);
      at = next;
      symbols[at] = symbol;
    }
  }
  return symbols;
}
