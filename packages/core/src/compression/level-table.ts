import { type FloatBytes, malformed } from "./bits.ts";
import type { CompressionContext, Compressor } from "./compressor.ts";
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
      for (let i = 0; i < n; i++) {
        const b = Math.floor(i / block);
        scales[b] = Math.max(scales[b]!, Math.abs(vector[i]!));
      }
      const bytes = new Uint8Array(bytesOf(n, floatBytes));
      const head = writeFloats(scales, floatBytes);
      bytes.set(head);
      for (let i = 0; i < n; i++) {
        const scale = scales[Math.floor(i / block)]!;
        const code = nearest(scale === 0 ? 0 : vector[i]! / scale);
        bytes[head.length + (i >>> 1)]! |= i % 2 === 0 ? code << 4 : code;
      }
      return bytes;
    },
    decode(bytes, n, context) {
      const { scales, codes } = readCodes(bytes, n, context);
      return Float64Array.from(codes, (code, i) => scales[Math.floor(i / block)]! * levels[code]!);
    },
    largest: bytesOf,
  };

  function readCodes(bytes: Uint8Array, n: number, { floatBytes }: CompressionContext) {
    if (bytes.length !== bytesOf(n, floatBytes)) throw malformed(`${bytes.length} bytes for ${n} values of four bits`);
    const head = floatBytes * blocks(n);
    const scales = readFloats(bytes.subarray(0, head), blocks(n), floatBytes);
    const codes = Uint8Array.from({ length: n }, (_, i) => {
      const pair = bytes[head + (i >>> 1)]!;
      return i % 2 === 0 ? pair >>> 4 : pair & 15;
    });
    return { scales, codes };
  }
}

/** Magnitudes of E3M0: 0 and 2^-6 to 2^0; the codes 8 to 15 are their negatives. */
const E3M0 = [0, ...Array.from({ length: 7 }, (_, i) => 2 ** (i - 6))];

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
      const size = Math.abs(x);
      let code = 0;
      for (let c = 1; c < E3M0.length; c++) if (E3M0[c]! - size <= size - E3M0[code]!) code = c;
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

function nearestNf4(x: number): number {
  let code = 0;
  for (let c = 1; c < NF4.length; c++) if (Math.abs(NF4[c]! - x) < Math.abs(NF4[code]! - x)) code = c;
  return code;
}
