import type { Vector } from "../params/index.ts";
import { type FloatBytes, malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";
import { readFloats, writeFloats } from "./floats.ts";
import { CHUNK, CONSTANTS, type CodecKernels, kernelsFor, putValues, RESULTS, SCALES } from "./kernels.ts";

/** Four bits per value: the number of the nearest of some levels, times the largest absolute value of its block. */
interface LevelTable {
  /** Values of the codes, between -1 and 1. */
  readonly levels: readonly number[];
  /** Values that share a scale; Infinity: all. */
  readonly block: number;
  readonly search: LevelSearch;
}

function levelTable({ levels, block, search }: LevelTable): Compressor {
  const blocks = (n: number) => (n <= block ? Math.min(n, 1) : Math.ceil(n / block));
  const bytesOf = (n: number, floatBytes: FloatBytes) => floatBytes * blocks(n) + Math.ceil(n / 2);
  return {
    traits: { linear: false, unbiased: false, contractive: true, sharesDraws: false },
    encode(vector, { floatBytes }) {
      const n = vector.length;
      const scales = new Float64Array(blocks(n));
      const bytes = new Uint8Array(bytesOf(n, floatBytes));
      const head = floatBytes * scales.length;
      const codes = bytes.subarray(head);
      const kernels = kernelsFor(vector);
      if (kernels !== undefined && kernelBlock(block)) encodeSingles(kernels, vector, block, search, scales, codes);
      else encodePlain(vector, block, search, scales, codes);
      bytes.set(writeFloats(scales, floatBytes));
      return bytes;
    },
    decode(bytes, out, { floatBytes }) {
      const n = out.length;
      if (bytes.length !== bytesOf(n, floatBytes))
        throw malformed(`${bytes.length} bytes for ${n} values of four bits`);
      const scales = new Float64Array(blocks(n));
      const head = floatBytes * scales.length;
      readFloats(bytes.subarray(0, head), scales, floatBytes);
      const values = new Float64Array(16);
      for (let b = 0; b < scales.length; b++) {
        const begin = b === 0 ? 0 : b * block;
        const end = Math.min(begin + block, n);
        for (let code = 0; code < 16; code++) values[code] = scales[b]! * levels[code]!;
        for (let i = begin; i < end; i++) {
          const pair = bytes[head + (i >>> 1)]!;
          out[i] = values[(i & 1) === 0 ? pair >>> 4 : pair & 15]!;
        }
      }
    },
    largest: bytesOf,
  };
}

/** Writes scales, and codes by pairs: the first one in the upper half of a byte. */
function encodePlain(
  vector: Vector,
  block: number,
  search: LevelSearch,
  scales: Float64Array,
  codes: Uint8Array,
): void {
  for (let b = 0; b < scales.length; b++) {
    const begin = b === 0 ? 0 : b * block;
    const scale = largestSize(vector, begin, block);
    scales[b] = scale;
    for (let i = begin; i < Math.min(begin + block, vector.length); i++) {
      codes[i >>> 1]! |= codeOf(vector[i]! / (scale === 0 ? 1 : scale), search) << (4 * (~i & 1));
    }
  }
}

/** Whether the kernels can encode blocks of so many values. */
function kernelBlock(block: number): boolean {
  return block <= CHUNK ? block % 8 === 0 : block === Number.POSITIVE_INFINITY || block % CHUNK === 0;
}

/** The same by kernels. */
function encodeSingles(
  kernels: CodecKernels,
  vector: Vector,
  block: number,
  search: LevelSearch,
  scales: Float64Array,
  codes: Uint8Array,
): void {
  const n = vector.length;
  const { buffer } = kernels.memory;
  new Uint8Array(buffer, CONSTANTS, 16).set(search.codes);
  new Float64Array(buffer, CONSTANTS + 16, 30).set(Array.from({ length: 30 }, (_, i) => search.bounds[i >> 1]!));
  const found = new Float32Array(buffer, SCALES, CHUNK / 8);
  const pairs = new Uint8Array(buffer, RESULTS, CHUNK / 2);
  if (block > CHUNK) {
    for (let begin = 0; begin < n; begin += CHUNK) {
      putValues(kernels, vector.subarray(begin, begin + CHUNK));
      kernels.largest(4 * CHUNK, 4 * CHUNK);
      const b = Math.floor(begin / block);
      scales[b] = Math.max(scales[b]!, found[0]!);
    }
  }
  const piece = block <= CHUNK ? CHUNK - (CHUNK % block) : CHUNK;
  for (let begin = 0; begin < n; begin += piece) {
    const length = Math.min(piece, n - begin);
    putValues(kernels, vector.subarray(begin, begin + length));
    if (block > CHUNK) found[0] = scales[Math.floor(begin / block)]!;
    else {
      kernels.largest(4 * length, 4 * block);
      scales.set(found.subarray(0, Math.ceil(length / block)), begin / block);
    }
    kernels.nearest(4 * length, 4 * Math.min(block, CHUNK));
    codes.set(pairs.subarray(0, Math.ceil(length / 2)), begin / 2);
  }
  if (n % 2 === 1) codes[codes.length - 1]! &= 0xf0;
}

/** NaN where one of the values is, so that it does not arrive as a number. */
function largestSize(vector: Vector, begin: number, length: number): number {
  let largest = 0;
  const end = Math.min(begin + length, vector.length);
  for (let i = begin; i < end; i++) {
    const size = Math.abs(vector[i]!);
    if (size > largest) largest = size;
    else if (Number.isNaN(size)) return size;
  }
  return largest;
}

/** How the code of the level nearest to x in [-1, 1] is found. */
interface LevelSearch {
  /** Codes of the levels, in ascending order of these. */
  readonly codes: Uint8Array;
  /** The least doubles for which the next level is taken. */
  readonly bounds: Float64Array;
}

/** How levels are found. Of two neighbours the upper one is taken for the x for which it is `closer`. */
function levelSearch(
  levels: readonly number[],
  closer: (upper: number, lower: number, x: number) => boolean,
): LevelSearch {
  const ascending = [...new Set(levels)].sort((a, b) => a - b);
  const codes = Uint8Array.from(ascending, (level) => levels.indexOf(level));
  const bounds = new Float64Array(16).fill(Number.POSITIVE_INFINITY);
  for (let c = 0; c + 1 < ascending.length; c++) bounds[c] = leastAbove(ascending[c]!, ascending[c + 1]!, closer);
  return { codes, bounds };
}

function codeOf(x: number, { codes, bounds }: LevelSearch): number {
  let level = 0;
  for (let step = 8; step > 0; step >>>= 1) level += x >= bounds[level + step - 1]! ? step : 0;
  return codes[level]!;
}

/** The least double between two levels for which the upper one is closer, by halving. */
function leastAbove(level: number, next: number, closer: (upper: number, lower: number, x: number) => boolean): number {
  let [below, above] = [level, next];
  for (;;) {
    const middle = below + (above - below) / 2;
    if (middle <= below || middle >= above) return above;
    if (closer(next, level, middle)) above = middle;
    else below = middle;
  }
}

/** Magnitudes of E3M0: 0 and 2^-6 to 2^0; the codes 8 to 15 are their negatives. */
const E3M0 = [0, ...Array.from({ length: 7 }, (_, i) => 2 ** (i - 6))];

const E3M0_LEVELS = [...E3M0, ...E3M0.map((level) => -level)];

const E3M0_SEARCH = levelSearch(E3M0_LEVELS, (upper, lower, x) =>
  x < 0 ? lower - x < x - upper : upper - x <= x - lower,
);

/**
 * E3M0: a sign and three bits of exponent, with one scale for the vector: 0 and the scale times 2^-6 to 1. Ties go to the
 * larger. The four-bit format of Streaming DiLoCo.
 * A. Douillard et al., "Streaming DiLoCo with overlapping communication", 2025. https://arxiv.org/abs/2501.18512
 */
export function e3m0(): Compressor {
  return levelTable({ levels: E3M0_LEVELS, block: Number.POSITIVE_INFINITY, search: E3M0_SEARCH });
}

/** Quantiles of a normal distribution, T. Dettmers et al., QLoRA, appendix E. */
const NF4 = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];

/**
 * NF4: the nearest of 16 quantiles of a normal distribution, times the largest absolute value of each block. Of two equally
 * near levels the lower one.
 * T. Dettmers, A. Pagnoni, A. Holtzman, L. Zettlemoyer, "QLoRA: Efficient Finetuning of Quantized LLMs", NeurIPS 2023.
 * https://arxiv.org/abs/2305.14314
 *
 * @param block values that share a scale; the paper's 64 by default
 */
export function nf4({ block = 64 }: { readonly block?: number } = {}): Compressor {
  return levelTable({ levels: NF4, block, search: NF4_SEARCH });
}

const NF4_SEARCH = levelSearch(NF4, (upper, lower, x) => Math.abs(upper - x) < Math.abs(lower - x));
