import type { Vector } from "../params/index.ts";
import { BitReader, BitWriter, malformed } from "./bits.ts";
import type { CompressionContext, Compressor } from "./compressor.ts";
import { wordsOf } from "./select.ts";

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
      const codes = new Uint32Array(Math.min(CHUNK, width));
      const places = new Uint32Array(coding === "elias" ? width : 0);
      for (let b = 0; b < quantized.norms.length; b++) {
        const part = quantized.levels.subarray(b * width, (b + 1) * width);
        writer.float(quantized.norms[b]!, floatBytes);
        if (coding === "elias") writeGamma(writer, part, places);
        else writeFixed(writer, part, levels, codes);
      }
      return writer.finish();
    },
    decode(bytes, out, { floatBytes }) {
      const n = out.length;
      const reader = new BitReader(bytes);
      const codes = new Uint32Array(Math.min(CHUNK, bucket, n));
      for (let begin = 0; begin < n; begin += bucket) {
        const norm = reader.float(floatBytes);
        const part = out.subarray(begin, Math.min(begin + bucket, n));
        if (!Number.isFinite(norm)) part.fill((norm * 0) / levels);
        if (coding === "elias") readGamma(reader, part, norm, levels);
        else readFixed(reader, part, norm, levels, codes);
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
  const n = vector.length;
  const levels = new Int32Array(n);
  const norms = bucketNorms(vector, Math.min(bucket, Math.max(1, n)));
  const uniforms = new Float64Array(Math.min(CHUNK, n));
  for (let begin = 0; begin < n; begin += CHUNK) {
    const end = Math.min(begin + CHUNK, n);
    stream.floats(uniforms.subarray(0, end - begin));
    for (let from = begin; from < end; ) {
      const b = Math.floor(from / bucket);
      const to = Math.min((b + 1) * bucket, end);
      if (norms[b]! > 0) roundAtRandom(levels, vector, from, to, s, norms[b]!, uniforms, begin);
      from = to;
    }
  }
  return { levels, norms };
}

/** Values of which the draws are made at a time. */
const CHUNK = 4096;

/** The levels of the places `from` to `to`; the draw of place i is uniforms[i - begin]. */
function roundAtRandom(
  levels: Int32Array,
  vector: Vector,
  from: number,
  to: number,
  s: number,
  norm: number,
  uniforms: Float64Array,
  begin: number,
): void {
  const { words, width } = wordsOf(vector);
  for (let i = from; i < to; i++) {
    const exact = (s * Math.abs(vector[i]!)) / norm;
    const below = Math.floor(exact);
    // Neither the sign nor whether it is rounded up can be foreseen, so there is no branch: ceil is 1 where u < fraction.
    let level = (below + Math.ceil(exact - below - uniforms[i - begin]!)) | 0;
    if (level > s) level = s;
    const negative = words[width * (i + 1) - 1]! >> 31;
    levels[i] = (level ^ negative) - negative;
  }
}

/** Euclidean norm of each bucket. Four buckets at a time, as each sum waits for the one before it. */
function bucketNorms(vector: Vector, bucket: number): Float64Array {
  const n = vector.length;
  const norms = new Float64Array(Math.ceil(n / bucket));
  const four = Math.floor(n / bucket / 4) * 4;
  for (let g = 0; g < four; g += 4) {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = g * bucket, end = i + bucket; i < end; i++) {
      a += vector[i]! * vector[i]!;
      b += vector[i + bucket]! * vector[i + bucket]!;
      c += vector[i + 2 * bucket]! * vector[i + 2 * bucket]!;
      d += vector[i + 3 * bucket]! * vector[i + 3 * bucket]!;
    }
    norms.set([a, b, c, d], g);
  }
  for (let g = four; g < norms.length; g++) {
    for (let i = g * bucket; i < Math.min((g + 1) * bucket, n); i++) norms[g]! += vector[i]! * vector[i]!;
  }
  return norms.map(Math.sqrt);
}

/** Bits of a level without its sign. */
function levelBits(s: number): number {
  return Math.ceil(Math.log2(s + 1));
}

function writeFixed(writer: BitWriter, levels: Int32Array, s: number, codes: Uint32Array): void {
  const width = levelBits(s);
  for (let begin = 0; begin < levels.length; begin += codes.length) {
    const length = Math.min(codes.length, levels.length - begin);
    for (let i = 0; i < length; i++) {
      const level = levels[begin + i]!;
      const negative = level >> 31;
      codes[i] = ((level ^ negative) - negative) | ((negative & 1) << width);
    }
    writer.writeAll(codes.subarray(0, length), 1 + width);
  }
}

function readFixed(reader: BitReader, out: Vector, norm: number, s: number, codes: Uint32Array): void {
  const width = levelBits(s);
  const mask = (1 << width) - 1;
  for (let begin = 0; begin < out.length; begin += codes.length) {
    const read = codes.subarray(0, Math.min(codes.length, out.length - begin));
    reader.readAll(read, 1 + width);
    let most = 0;
    for (let i = 0; i < read.length; i++) {
      const level = read[i]! & mask;
      most = Math.max(most, level);
      const negative = -(read[i]! >>> width);
      out[begin + i] = (norm * ((level ^ negative) - negative)) / s;
    }
    requireLevel(most, s);
  }
}

/** `places` [levels.length] is used on the way. */
function writeGamma(writer: BitWriter, levels: Int32Array, places: Uint32Array): void {
  let nonzeros = 0;
  // Without branches: each place is written, and stays where its level is not 0.
  for (let i = 0; i < levels.length; i++) {
    places[nonzeros] = i;
    nonzeros += levels[i] === 0 ? 0 : 1;
  }
  writer.gamma(nonzeros + 1);
  let last = -1;
  for (let k = 0; k < nonzeros; k++) {
    const at = places[k]!;
    const level = levels[at]!;
    const negative = level >>> 31;
    const size = Math.abs(level);
    const gap = at - last;
    const [gapBits, sizeBits] = [63 - 2 * Math.clz32(gap), 63 - 2 * Math.clz32(size)];
    if (gapBits + 1 + sizeBits < 32) {
      writer.write((((gap << 1) | negative) << sizeBits) | size, gapBits + 1 + sizeBits);
    } else {
      writer.gamma(gap);
      writer.write(negative, 1);
      writer.gamma(size);
    }
    last = at;
  }
}

/** `out` is 0 before. */
function readGamma(reader: BitReader, out: Vector, norm: number, s: number): void {
  const nonzeros = reader.gamma() - 1;
  if (nonzeros > out.length) throw malformed(`${nonzeros} nonzero levels in ${out.length} values`);
  let at = -1;
  for (let k = 0; k < nonzeros; k++) {
    at += reader.gamma();
    if (at >= out.length) throw malformed(`position ${at} lies outside ${out.length} values`);
    const negative = reader.read(1) === 1;
    const level = reader.gamma();
    requireLevel(level, s);
    out[at] = (norm * (negative ? -level : level)) / s;
  }
}

function requireLevel(level: number, s: number): void {
  if (level > s) throw malformed(`the level ${level} is above ${s}`);
}
