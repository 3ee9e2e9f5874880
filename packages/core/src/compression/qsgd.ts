import type { Vector } from "../params/index.ts";
import { BitReader, BitWriter, malformed } from "./bits.ts";
import type { CompressionContext, Compressor } from "./compressor.ts";

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
      const quantized = quantize(vector, levels, bucket, stream);
      const writer = new BitWriter();
      for (let b = 0; b < quantized.norms.length; b++) {
        const part = quantized.levels.subarray(b * width, (b + 1) * width);
        writer.float(quantized.norms[b]!, floatBytes);
        if (coding === "elias") writeGamma(writer, part);
        else writeFixed(writer, part, levels);
      }
      return writer.finish();
    },
    decode(bytes, out, { floatBytes }) {
      const n = out.length;
      const reader = new BitReader(bytes);
      const part = new Int32Array(Math.min(bucket, n));
      for (let begin = 0; begin < n; begin += bucket) {
        const norm = reader.float(floatBytes);
        const length = Math.min(bucket, n - begin);
        if (coding === "elias") readGamma(reader, part.fill(0), length, levels);
        else readFixed(reader, part, length, levels);
        for (let i = 0; i < length; i++) out[begin + i] = (norm * part[i]!) / levels;
      }
      reader.end();
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

/** Levels and norms; a uniform number is drawn for every value, in order. */
export function quantize(
  vector: Vector,
  s: number,
  bucket: number,
  stream: Pick<CompressionContext["stream"], "floats">,
): Quantized {
  const levels = new Int32Array(vector.length);
  const norms: number[] = [];
  const uniforms = new Float64Array(Math.min(bucket, vector.length));
  for (let begin = 0; begin < vector.length; begin += bucket) {
    const end = Math.min(begin + bucket, vector.length);
    stream.floats(uniforms.subarray(0, end - begin));
    let squares = 0;
    for (let i = begin; i < end; i++) squares += vector[i]! * vector[i]!;
    const norm = Math.sqrt(squares);
    norms.push(norm);
    if (norm === 0) continue;
    for (let i = begin; i < end; i++) {
      const exact = (s * Math.abs(vector[i]!)) / norm;
      const below = exact | 0;
      const level = Math.min(s, uniforms[i - begin]! < exact - below ? below + 1 : below);
      if (level === 0) continue; // most are, and the sign of a value cannot be foreseen
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
  const width = levelBits(s);
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i]!;
    writer.write(level < 0 ? (1 << width) | -level : level, 1 + width);
  }
}

function readFixed(reader: BitReader, levels: Int32Array, length: number, s: number): void {
  const width = levelBits(s);
  for (let i = 0; i < length; i++) {
    const code = reader.read(1 + width);
    const level = code & ((1 << width) - 1);
    levels[i] = signed(level, code !== level, s);
  }
}

function writeGamma(writer: BitWriter, levels: Int32Array): void {
  let nonzeros = 0;
  for (let i = 0; i < levels.length; i++) if (levels[i] !== 0) nonzeros++;
  writer.gamma(nonzeros + 1);
  let last = -1;
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i]!;
    if (level === 0) continue;
    writer.gamma(i - last);
    writer.write(level < 0 ? 1 : 0, 1);
    writer.gamma(Math.abs(level));
    last = i;
  }
}

/** `levels` are 0 before. */
function readGamma(reader: BitReader, levels: Int32Array, length: number, s: number): void {
  const nonzeros = reader.gamma() - 1;
  if (nonzeros > length) throw malformed(`${nonzeros} nonzero levels in ${length} values`);
  let at = -1;
  for (let k = 0; k < nonzeros; k++) {
    at += reader.gamma();
    if (at >= length) throw malformed(`position ${at} lies outside ${length} values`);
    const negative = reader.read(1) === 1;
    levels[at] = signed(reader.gamma(), negative, s);
  }
}

function signed(level: number, negative: boolean, s: number): number {
  if (level > s) throw malformed(`the level ${level} is above ${s}`);
  return negative ? -level : level;
}
