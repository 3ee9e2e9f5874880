import type { Vector } from "../params/index.ts";
import { type FloatBytes, malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";
import { readFloats, writeFloats } from "./floats.ts";

/** Four bits per value: the number of the nearest of 16 levels, times the largest absolute value of its block. */
interface LevelTable {
  /** Values of the codes 0 to 15, between -1 and 1. */
  readonly levels: readonly number[];
  /** Values that share a scale; Infinity: all. */
  readonly block: number;
  /** The code of the level nearest to x, |x| <= 1. */
  nearest(x: number): number;
}

function levelTable({ levels, block, nearest }: LevelTable): Compressor {
  const blocks = (n: number) => (n <= block ? Math.min(n, 1) : Math.ceil(n / block));
  const bytesOf = (n: number, floatBytes: FloatBytes) => floatBytes * blocks(n) + Math.ceil(n / 2);
  return {
    traits: { linear: false, unbiased: false, contractive: true, sharesDraws: false },
    encode(vector, { floatBytes }) {
      const n = vector.length;
      const scales = new Float64Array(blocks(n));
      const bytes = new Uint8Array(bytesOf(n, floatBytes));
      const head = floatBytes * scales.length;
      for (let b = 0; b < scales.length; b++) {
        const begin = b === 0 ? 0 : b * block;
        const end = Math.min(begin + block, n);
        const scale = largestSize(vector, begin, end);
        scales[b] = scale;
        for (let i = begin; i < end; i++) {
          const code = nearest(scale === 0 ? 0 : vector[i]! / scale);
          bytes[head + (i >>> 1)]! |= (i & 1) === 0 ? code << 4 : code;
        }
      }
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

function largestSize(vector: Vector, begin: number, end: number): number {
  let largest = 0;
  for (let i = begin; i < end; i++) largest = Math.max(largest, Math.abs(vector[i]!));
  return largest;
}

/** Stretches of [-1, 1] from which a search begins. */
const STRETCHES = 256;

/**
 * The nearest of ascending levels, by numbers from which on the next level is taken: the least doubles x for which
 * `closer(next, level, x)`.
 */
function nearestLevel(levels: readonly number[], closer: (next: number, level: number, x: number) => boolean) {
  const bounds = new Float64Array(levels.length).fill(Number.POSITIVE_INFINITY);
  for (let c = 0; c + 1 < levels.length; c++) bounds[c] = leastAbove(levels[c]!, levels[c + 1]!, closer);
  const climb = (from: number, x: number) => {
    let code = from;
    while (x >= bounds[code]!) code++;
    return code;
  };
  const starts = new Uint8Array(STRETCHES + 1);
  for (let s = 0; s <= STRETCHES; s++) starts[s] = Math.max(0, climb(0, (2 * s) / STRETCHES - 1) - 1);
  return (x: number) => climb(starts[((x + 1) * (STRETCHES / 2)) | 0]!, x);
}

/** The least double between two levels for which the upper one is closer, by halving. */
function leastAbove(level: number, next: number, closer: (next: number, level: number, x: number) => boolean): number {
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

const nearestPower = nearestLevel(E3M0, (next, level, size) => next - size <= size - level);

/**
 * E3M0: a sign and three bits of exponent, with one scale for the vector: 0 and the scale times 2^-6 to 1. Ties go to the
 * larger. The four-bit format of Streaming DiLoCo.
 * A. Douillard et al., "Streaming DiLoCo with overlapping communication", 2025. https://arxiv.org/abs/2501.18512
 */
export function e3m0(): Compressor {
  return levelTable({
    levels: [...E3M0, ...E3M0.map((level) => -level)],
    block: Number.POSITIVE_INFINITY,
    nearest(x) {
      const code = nearestPower(Math.abs(x));
      return x < 0 && code > 0 ? code + 8 : code;
    },
  });
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
  return levelTable({ levels: NF4, block, nearest: nearestNf4 });
}

const nearestNf4 = nearestLevel(NF4, (next, level, x) => Math.abs(next - x) < Math.abs(level - x));
