import type { Vector } from "../params/index.ts";
import { type BitReader, type BitWriter, malformed, WIDEST } from "./bits.ts";
import { CHUNK, type CodecKernels, placesFound } from "./kernels.ts";

/** Some of the levels of a vector, from place `begin` of the vector on. */
export interface LevelChunk {
  readonly begin: number;
  readonly levels: Int32Array;
  readonly kernels: CodecKernels | undefined;
}

/** Places in a chunk of the levels that are not 0, ascending. */
function nonzeroPlaces({ levels, kernels }: LevelChunk): Uint16Array {
  if (kernels === undefined) return Uint16Array.from([...levels.keys()].filter((i) => levels[i] !== 0));
  kernels.nonzeros(4 * levels.length);
  return placesFound(kernels, levels.length);
}

/** Bits of a level without its sign. */
export function levelBits(s: number): number {
  return Math.ceil(Math.log2(s + 1));
}

/** Values whose codes of `width` bits are put together, as a word can be read wherever it begins in a byte. */
function together(width: number): number {
  return Math.max(1, Math.floor(WIDEST / width));
}

export function writeFixed(writer: BitWriter, levels: Int32Array, s: number): void {
  const width = levelBits(s) + 1;
  const group = together(width);
  const sign = 1 << (width - 1);
  const words = new Uint32Array(Math.floor(levels.length / group));
  let i = 0;
  for (let w = 0; w < words.length; w++) {
    let word = 0;
    for (const end = i + group; i < end; i++) word = (word << width) | codeOf(levels[i]!, sign);
    words[w] = word;
  }
  writer.writeAll(words, group * width);
  for (; i < levels.length; i++) writer.write(codeOf(levels[i]!, sign), width);
}

/** The size of a level, and the bit of its sign. */
function codeOf(level: number, sign: number): number {
  const negative = level >> 31;
  return ((level ^ negative) - negative) | (negative & sign);
}

export function readFixed(reader: BitReader, out: Vector, norm: number, s: number): void {
  const width = levelBits(s) + 1;
  const group = together(width);
  const whole = Math.floor(out.length / group);
  const rest = out.length - whole * group;
  const words = new Uint32Array(whole + 1);
  reader.readAll(words.subarray(0, whole), group * width);
  words[whole] = reader.read(rest * width) << ((group - rest) * width);
  const mask = (1 << (width - 1)) - 1;
  let most = 0;
  for (let i = 0, w = 0; i < out.length; w++) {
    let word = words[w]! << (32 - group * width);
    for (const end = Math.min(i + group, out.length); i < end; i++, word <<= width) {
      const level = (word >>> (32 - width)) & mask;
      most = Math.max(most, level);
      const negative = word >> 31;
      out[i] = (norm * ((level ^ negative) - negative)) / s;
    }
  }
  requireLevel(most, s);
}

/** The levels that are not 0, in order. */
export class Nonzeros {
  #places: Uint32Array;
  #levels: Int32Array;
  #count = 0;
  #written = 0;

  /** Room for some of n levels; more is made where more are not 0. */
  constructor(n: number) {
    this.#places = new Uint32Array(CHUNK + (n >>> 3));
    this.#levels = new Int32Array(CHUNK + (n >>> 3));
  }

  add(chunk: LevelChunk): void {
    const found = nonzeroPlaces(chunk);
    if (this.#count + found.length > this.#places.length) this.#grow();
    for (let k = 0; k < found.length; k++) {
      this.#places[this.#count] = chunk.begin + found[k]!;
      this.#levels[this.#count++] = chunk.levels[found[k]!]!;
    }
  }

  /** Of the places from `begin` to `end`: how many there are, then the gap, the sign and the size of each. */
  write(writer: BitWriter, begin: number, end: number): void {
    const first = this.#written;
    let last = first;
    while (last < this.#count && this.#places[last]! < end) last++;
    writer.gamma(last - first + 1);
    for (let k = first, before = begin - 1; k < last; k++) {
      const gap = this.#places[k]! - before;
      const level = this.#levels[k]!;
      const negative = level >>> 31;
      const size = Math.abs(level);
      const gapBits = 63 - 2 * Math.clz32(gap);
      const sizeBits = 63 - 2 * Math.clz32(size);
      if (gapBits + 1 + sizeBits < 32) {
        writer.write((((gap << 1) | negative) << sizeBits) | size, gapBits + 1 + sizeBits);
      } else {
        writer.gamma(gap);
        writer.write(negative, 1);
        writer.gamma(size);
      }
      before = this.#places[k]!;
    }
    this.#written = last;
  }

  #grow(): void {
    const [places, levels] = [this.#places, this.#levels];
    this.#places = new Uint32Array(2 * places.length);
    this.#levels = new Int32Array(2 * levels.length);
    this.#places.set(places);
    this.#levels.set(levels);
  }
}

/** `out` is 0 before. */
export function readGamma(reader: BitReader, out: Vector, norm: number, s: number): void {
  const nonzeros = reader.gamma() - 1;
  if (nonzeros > out.length) throw malformed(`${nonzeros} nonzero levels in ${out.length} values`);
  let at = -1;
  for (let k = 0; k < nonzeros; k++) {
    const word = reader.peek();
    const gapBits = 2 * Math.clz32(word) + 1;
    const rest = word << (gapBits + 1);
    const sizeBits = 2 * Math.clz32(rest) + 1;
    const whole = gapBits + 1 + sizeBits <= WIDEST; // mostly: all three numbers are in the word
    at += whole ? word >>> (32 - gapBits) : reader.gamma();
    if (at >= out.length) throw malformed(`position ${at} lies outside ${out.length} values`);
    const negative = whole ? (word >>> (31 - gapBits)) & 1 : reader.read(1);
    const level = whole ? rest >>> (32 - sizeBits) : reader.gamma();
    if (whole) reader.skip(gapBits + 1 + sizeBits);
    requireLevel(level, s);
    out[at] = (norm * (negative === 1 ? -level : level)) / s;
  }
}

function requireLevel(level: number, s: number): void {
  if (level > s) throw malformed(`the level ${level} is above ${s}`);
}
