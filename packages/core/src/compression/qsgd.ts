import type { Vector } from "../params/index.ts";
import { BitReader, BitWriter } from "./bits.ts";
import type { CompressionContext, Compressor } from "./compressor.ts";
import { CHUNK, CONSTANTS, DRAWS, kernelsFor, PAGE, putValues, RESULTS } from "./kernels.ts";
import { type LevelChunk, levelBits, Nonzeros, readFixed, readGamma, writeFixed } from "./level-coding.ts";

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
      const n = vector.length;
      const width = Math.min(bucket, n);
      const norms = bucketNorms(vector, width);
      const writer = new BitWriter();
      if (coding === "elias") {
        const nonzeros = new Nonzeros(n);
        for (const chunk of levelChunks(vector, levels, width, norms, stream)) nonzeros.add(chunk);
        for (let b = 0; b < norms.length; b++) {
          writer.float(norms[b]!, floatBytes);
          nonzeros.write(writer, b * width, Math.min((b + 1) * width, n));
        }
      } else {
        for (const chunk of levelChunks(vector, levels, width, norms, stream)) {
          const end = chunk.begin + chunk.levels.length;
          for (let from = chunk.begin; from < end; ) {
            const b = Math.floor(from / width);
            const to = Math.min((b + 1) * width, end);
            if (from === b * width) writer.float(norms[b]!, floatBytes);
            writeFixed(writer, chunk.levels.subarray(from - chunk.begin, to - chunk.begin), levels);
            from = to;
          }
        }
      }
      return writer.finish();
    },
    decode(bytes, out, { floatBytes }) {
      const n = out.length;
      const reader = new BitReader(bytes);
      for (let begin = 0; begin < n; begin += bucket) {
        const norm = reader.float(floatBytes);
        const part = out.subarray(begin, Math.min(begin + bucket, n));
        if (!Number.isFinite(norm)) part.fill((norm * 0) / levels);
        if (coding === "elias") readGamma(reader, part, norm, levels);
        else readFixed(reader, part, norm, levels);
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

/** Levels and norms. */
export function quantize(
  vector: Vector,
  s: number,
  bucket: number,
  stream: Pick<CompressionContext["stream"], "uint32s">,
): Quantized {
  const width = Math.min(bucket, Math.max(1, vector.length));
  const levels = new Int32Array(vector.length);
  const norms = bucketNorms(vector, width);
  for (const chunk of levelChunks(vector, s, width, norms, stream)) levels.set(chunk.levels, chunk.begin);
  return { levels, norms };
}

/**
 * The levels, `CHUNK` at a time; the next ones overwrite them. A random word w is drawn for every value: its level is the
 * upper one of the two next to it where w / 2^32 is below its fraction.
 */
function* levelChunks(
  vector: Vector,
  s: number,
  bucket: number,
  norms: Float64Array,
  stream: Pick<CompressionContext["stream"], "uint32s">,
): Generator<LevelChunk> {
  const n = vector.length;
  const kernels = kernelsFor(vector);
  const buffer = kernels?.memory.buffer ?? new ArrayBuffer(PAGE);
  const factors = new Float64Array(buffer, CONSTANTS, 4).fill(s);
  for (let begin = 0; begin < n; begin += CHUNK) {
    const length = Math.min(CHUNK, n - begin);
    const draws = new Uint32Array(buffer, DRAWS, length);
    const levels = new Int32Array(buffer, RESULTS, length);
    stream.uint32s(draws);
    if (kernels !== undefined) putValues(kernels, vector.subarray(begin, begin + length));
    for (let from = 0; from < length; ) {
      const b = Math.floor((begin + from) / bucket);
      const to = Math.min((b + 1) * bucket - begin, length);
      const factor = norms[b]! > 0 ? s / norms[b]! : 0;
      if (kernels === undefined) {
        for (let i = from; i < to; i++) levels[i] = levelOf(vector[begin + i]!, factor, draws[i]!, s);
      } else {
        factors[0] = factor;
        factors[1] = factor;
        kernels.levels(4 * from, 4 * to);
      }
      from = to;
    }
    yield { begin, levels, kernels };
  }
}

function levelOf(value: number, factor: number, word: number, s: number): number {
  return Math.sign(value) * Math.min(s, Math.ceil(Math.abs(value) * factor - word * 2 ** -32));
}

/** Euclidean norm of each bucket. Four sums, as each waits for what was added before. */
function bucketNorms(vector: Vector, bucket: number): Float64Array {
  const norms = new Float64Array(Math.ceil(vector.length / bucket));
  for (let b = 0; b < norms.length; b++) {
    const end = Math.min((b + 1) * bucket, vector.length);
    let a0 = 0; // destructuring takes longer than the sums
    let a1 = 0;
    let a2 = 0;
    let a3 = 0;
    let i = b * bucket;
    for (; i + 3 < end; i += 4) {
      a0 += vector[i]! * vector[i]!;
      a1 += vector[i + 1]! * vector[i + 1]!;
      a2 += vector[i + 2]! * vector[i + 2]!;
      a3 += vector[i + 3]! * vector[i + 3]!;
    }
    for (; i < end; i++) a0 += vector[i]! * vector[i]!;
    norms[b] = Math.sqrt(a0 + a1 + (a2 + a3));
  }
  return norms;
}
