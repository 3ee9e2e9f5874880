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
  /** Entries that were not pruned, ascending: all others have symbol 1. */
  readonly kept: Uint32Array;
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
      const clusters = cluster(vector, keep, iterations);
      const { centroids, counts } = clusters;
      const places = rarePlaces(clusters);
      const coding = shortest(symbolBits(vector.length, places));
      const writer = new BitWriter();
      writer.write(codings.indexOf(coding), 8);
      for (const centroid of [centroids[0], centroids[2]]) writer.float(centroid, floatBytes);
      for (const count of [counts[0], counts[2]]) writer.write(count, 32);
      writeSymbols(writer, vector.length, places, coding);
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
  for (let step = 0; step < iterations; step++) {
    const means = outerMeans(kept, negative, positive);
    if (means[0] === negative && means[1] === positive) break; // nothing would change any more
    [negative, positive] = means;
  }
  const symbols = new Uint8Array(vector.length).fill(1); // what was pruned is 0
  const counts: [number, number, number] = [0, vector.length - kept.length, 0];
  const [below, above] = [negative / 2, positive / 2];
  for (let i = 0; i < kept.length; i++) {
    const symbol = 1 - Number(kept[i]! < below) + Number(kept[i]! > above);
    symbols[indices[i]!] = symbol;
    counts[symbol]!++;
  }
  return { symbols, centroids: [negative, 0, positive], counts, kept: indices };
}

/**
 * The means of the values nearest to each outer centroid: of those beyond half of it, as it is strictly nearer to them than
 * 0. A centroid that has none stays.
 */
function outerMeans(values: Float64Array, negative: number, positive: number): [number, number] {
  const [below, above] = [negative / 2, positive / 2];
  let low = 0;
  let lows = 0;
  let high = 0;
  let highs = 0;
  // Which values join cannot be foreseen, so there are no branches.
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const isLow = Number(value < below);
    const isHigh = Number(value > above);
    low += isLow * value;
    lows += isLow;
    high += isHigh * value;
    highs += isHigh;
  }
  return [lows === 0 ? negative : low / lows, highs === 0 ? positive : high / highs];
}

/** Places of each of the two rarer symbols, ascending. */
export type RarePlaces = readonly [Uint32Array, Uint32Array];

export function rarePlaces({ symbols, counts, kept }: Clusters): RarePlaces {
  const candidates = commonest(counts) === 1 ? kept : Uint32Array.from(symbols.keys());
  const of = (symbol: number) => {
    const places = new Uint32Array(counts[symbol]! + 1);
    let count = 0;
    // Without branches: each place is written, and stays where it has the symbol.
    for (let k = 0; k < candidates.length; k++) {
      places[count] = candidates[k]!;
      count += Number(symbols[candidates[k]!] === symbol);
    }
    return places.subarray(0, count);
  };
  const [first, second] = rarer(counts);
  return [of(first!), of(second!)];
}

/** Bits of n symbols in each code. */
export function symbolBits(n: number, places: RarePlaces): Record<Coding, number> {
  const rare = places[0].length + places[1].length;
  let gap = 0;
  for (const own of places) {
    for (let k = 0, last = -1; k < own.length; last = own[k++]!) gap += 2 * (31 - Math.clz32(own[k]! - last)) + 1;
  }
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

function writeSymbols(writer: BitWriter, n: number, places: RarePlaces, coding: Coding): void {
  if (coding === "huffman") {
    const [first, second] = places;
    let next = 0;
    const writeCommon = (end: number) => {
      for (; next < end; next += 16) writer.write(0, Math.min(16, end - next));
      next = end + 1;
    };
    for (let i = 0, j = 0; i + j < first.length + second.length; ) {
      const isFirst = i < first.length && !(second[j]! < first[i]!);
      writeCommon(isFirst ? first[i++]! : second[j++]!);
      writer.write(isFirst ? 0b10 : 0b11, 2);
    }
    writeCommon(n);
    return;
  }
  for (const own of places) {
    if (coding === "gap") for (let k = 0, last = -1; k < own.length; last = own[k++]!) writer.gamma(own[k]! - last);
    else for (let k = 0; k < own.length; k++) writer.write(own[k]!, indexBits(n));
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
