import { BitReader, BitWriter, malformed } from "./bits.ts";
import type { Compressor } from "./compressor.ts";

/** Integers in place of values: entry i is norms[bucket] * levels[i] / s. */
export interface Quantized {
  /** Signed, |level| <= s, [n]. */
  readonly levels: Int32Array;
  /** Euclidean norm of each bucket. */
  readonly norms: Float64Array;
}

export interface QsgdOptions {
  /** s, the levels above 0; at least 1. */
  readonly levels: number;
  /** Values that share a norm; default: all. */
  readonly bucket?: number | undefined;
  /** "elias": gamma codes of the gaps between nonzero levels and of the levels; "fixed": equal bits for each value. */
  readonly coding?: "elias" | "fixed" | undefined;
}

/**
 * QSGD: s |v| / |v|_2 rounded at random to an integer level, so that the mean is v. Unbiased.
 * D. Alistarh, D. Grubic, J. Li, R. Tomioka, M. Vojnovic, "QSGD: Communication-Efficient SGD via Gradient Quantization and
 * Encoding", NeurIPS 2017, section 3. https://arxiv.org/abs/1610.02132
 *
 * @example qsgd({ levels: 4, bucket: 512 }).encode(update, context)
 */
export function qsgd({ levels, bucket = Number.POSITIVE_INFINITY, coding = "elias" }: QsgdOptions): Compressor {
  return {
    traits: { linear: false, unbiased: true, contractive: false, sharesDraws: false },
    encode(vector, { floatBytes, stream }) {
      const width = Math.min(bucket, vector.length);
      const quantized = quantize(vector, levels, bucket, () => stream.float());
      const writer = new BitWriter();
      for (const [b, norm] of quantized.norms.entries()) {
        const part = quantized.levels.subarray(b * width, (b + 1) * width);
        writer.float(norm, floatBytes);
        if (coding === "elias") writeGamma(writer, part);
        else writeFixed(writer, part, levels);
      }
      return writer.finish();
    },
    decode(bytes, n, { floatBytes }) {
      const reader = new BitReader(bytes);
      const vector = new Float64Array(n);
      for (let begin = 0; begin < n; begin += bucket) {
        const norm = reader.float(floatBytes);
        const part = new Int32Array(Math.min(bucket, n - begin));
        if (coding === "elias") readGamma(reader, part, levels);
        else readFixed(reader, part, levels);
        for (let i = 0; i < part.length; i++) vector[begin + i] = (norm * part[i]!) / levels;
      }
      reader.end();
      return vector;
    },
    largest: (n, floatBytes) => {
      const buckets = Math.ceil(n / Math.min(bucket, Math.max(1, n)));
      const gamma = (value: number) => 2 * Math.floor(Math.log2(value)) + 1;
      const elias = buckets * gamma(Math.min(bucket, n) + 1) + n * (2 + gamma(levels));
      const bits = coding === "elias" ? elias : n * (1 + levelBits(levels));
      return Math.ceil((8 * floatBytes * buckets + bits) / 8);
    },
  };
}

/** Levels and norms; `uniform` is drawn once for every value, in order. */
export function quantize(vector: Float64Array, s: number, bucket: number, uniform: () => number): Quantized {
  const levels = new Int32Array(vector.length);
  const norms: number[] = [];
  for (let begin = 0; begin < vector.length; begin += bucket) {
    const end = Math.min(begin + bucket, vector.length);
    let squares = 0;
    for (let i = begin; i < end; i++) squares += vector[i]! * vector[i]!;
    const norm = Math.sqrt(squares);
    norms.push(norm);
    for (let i = begin; i < end; i++) {
      const u = uniform();
      if (norm === 0) continue;
      const exact = (s * Math.abs(vector[i]!)) / norm;
      const below = Math.floor(exact);
      const level = Math.min(s, below + (u < exact - below ? 1 : 0));
      levels[i] = vector[i]! < 0 ? -level : level;
    }
  }
  return { levels, norms: Float64Array.from(norms) };
}

/** Bits of a level without its sign. */
function levelBits(s: number): number {
  return Math.ceil(Math.log2(s + 1));
}

function writeFixed(writer: BitWriter, levels: Int32Array, s: number): void {
  for (const level of levels) {
    writer.write(level < 0 ? 1 : 0, 1);
    writer.write(Math.abs(level), levelBits(s));
  }
}

function readFixed(reader: BitReader, levels: Int32Array, s: number): void {
  for (let i = 0; i < levels.length; i++) {
    const negative = reader.read(1) === 1;
    levels[i] = signed(reader.read(levelBits(s)), negative, s);
  }
}

function writeGamma(writer: BitWriter, levels: Int32Array): void {
  writer.gamma(levels.reduce((count, level) => count + (level === 0 ? 0 : 1), 0) + 1);
  let last = -1;
  for (const [i, level] of levels.entries()) {
    if (level === 0) continue;
    writer.gamma(i - last);
    writer.write(level < 0 ? 1 : 0, 1);
    writer.gamma(Math.abs(level));
    last = i;
  }
}

function readGamma(reader: BitReader, levels: Int32Array, s: number): void {
  const nonzeros = reader.gamma() - 1;
  if (nonzeros > levels.length) throw malformed(`${nonzeros} nonzero levels in ${levels.length} values`);
  let at = -1;
  for (let k = 0; k < nonzeros; k++) {
    at += reader.gamma();
    if (at >= levels.length) throw malformed(`position ${at} lies outside ${levels.length} values`);
    const negative = reader.read(1) === 1;
    levels[at] = signed(reader.gamma(), negative, s);
  }
}

function signed(level: number, negative: boolean, s: number): number {
  if (level > s) throw malformed(`the level ${level} is above ${s}`);
  return negative ? -level : level;
}
