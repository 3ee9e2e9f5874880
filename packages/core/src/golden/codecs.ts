import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import {
  type CompressionContext,
  type Compressor,
  cluster,
  correctMomentum,
  countSketch,
  denseSketch,
  e3m0,
  feedBack,
  feedbackWrappers,
  fromByte,
  keepEntries,
  largestEntries,
  natural,
  nf4,
  placeEntries,
  projectBlocks,
  qsgd,
  quantize,
  rarePlaces,
  reconstructBlock,
  type Sketch,
  scaledSign,
  shortest,
  srht,
  symbolBits,
  toByte,
  topEntries,
  truncatedNormalVariance,
  type Velocity,
} from "../compression/index.ts";
import type { Operation } from "./operation.ts";
import { vector, vectorList } from "./quadratic-problem.ts";

const positions = z.array(z.int().min(0));
const lengths = z.array(z.int().positive()).min(1);
const withUniforms = z.strictObject({ vector, uniforms: z.array(z.number().min(0).lt(1)) });
const alone = z.strictObject({ vector });
const nothing = z.strictObject({});

/** An operation of given schemas. */
function operation<I, O>(input: z.ZodType<I>, options: z.ZodType<O>, run: (input: I, options: O) => object): Operation {
  return { run: async (given, chosen) => run(input.parse(given), options.parse(chosen)) };
}

/** Draws in the order in which they are given. */
function given(uniforms: readonly number[]): CompressionContext["stream"] {
  let at = 0;
  const below = (n: number) => Math.floor(uniforms[at++]! * n);
  return {
    below,
    belows(out, n) {
      for (let i = 0; i < out.length; i++) out[i] = below(n);
    },
    uint32s(out) {
      for (let i = 0; i < out.length; i++) out[i] = below(2 ** 32);
    },
  };
}

/** What the receiver has, exactly; and the bytes in float32. */
function received(compressor: Compressor, values: Float64Array, uniforms: readonly number[] = []) {
  const context = (floatBytes: 4 | 8): CompressionContext => ({ floatBytes, stream: given(uniforms) });
  const decoded = new Float64Array(values.length);
  compressor.decode(compressor.encode(values, context(8)), decoded, context(8));
  return { decoded, bytes: compressor.encode(values, context(4)).length };
}

/** Consecutive stretches of a vector. */
function stretches(values: readonly number[], sizes: readonly number[]): Float64Array[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== values.length) throw refused(`the stretches have ${total} entries, the vector ${values.length}`);
  let end = 0;
  return sizes.map((size) => {
    end += size;
    return Float64Array.from(values.slice(end - size, end));
  });
}

function refused(message: string): AnabranchError {
  return new AnabranchError({ code: "golden/case", message });
}

const list = (values: ArrayLike<number>) => Array.from(values);

const topk = operation(
  z.strictObject({ vector, layers: lengths.optional() }),
  z.strictObject({ scope: z.enum(["global", "layer"]), k: lengths }),
  (input, { scope, k }) => {
    const sizes = scope === "layer" ? (input.layers ?? [input.vector.length]) : [input.vector.length];
    if (k.length !== sizes.length) throw refused(`${k.length} values of k for ${sizes.length} stretches`);
    const parts = stretches(input.vector, sizes);
    const decoded: number[] = [];
    const indices: number[] = [];
    let bytes = 0;
    for (const [l, part] of parts.entries()) {
      if (k[l]! > part.length) throw refused(`k = ${k[l]} of ${part.length} entries`);
      indices.push(...list(largestEntries(part, k[l]!)).map((i) => i + decoded.length));
      const there = received(
        topEntries(() => k[l]!),
        part,
      );
      decoded.push(...there.decoded);
      bytes += there.bytes;
    }
    return { indices, decoded, residual: input.vector.map((value, i) => value - decoded[i]!), bytes };
  },
);

const randk = operation(z.strictObject({ vector, indices: positions }), nothing, (input) => {
  const values = keepEntries(Float64Array.from(input.vector), input.indices, true);
  return {
    decoded: list(placeEntries(values, input.indices, new Float64Array(input.vector.length))),
    bytes: 4 * values.length + SEED_BYTES,
  };
});

/** A seed that says which entries were drawn. */
const SEED_BYTES = 8;

const qsgdOperation = operation(
  withUniforms,
  z.strictObject({ levels: z.int().positive(), bucket: z.int().positive().optional() }),
  ({ vector: values, uniforms }, options) => {
    const x = Float64Array.from(values);
    const elias = received(qsgd(options), x, uniforms);
    const fixed = received(qsgd({ ...options, coding: "fixed" }), x, uniforms);
    const { levels, norms } = quantize(x, options.levels, options.bucket ?? Number.POSITIVE_INFINITY, given(uniforms));
    return {
      decoded: list(elias.decoded),
      levels: list(levels),
      norms: list(norms),
      bytes: { fixed: fixed.bytes, eliasGamma: elias.bytes },
    };
  },
);

const plain = (compressor: () => Compressor, input: z.ZodType<{ vector: number[]; uniforms?: number[] }> = alone) =>
  operation(input, nothing, ({ vector: values, uniforms }) => {
    const { decoded, bytes } = received(compressor(), Float64Array.from(values), uniforms);
    return { decoded: list(decoded), bytes };
  });

const fedzip = operation(
  z.strictObject({ vector, layers: lengths, dense: z.array(z.boolean()) }),
  z.strictObject({ keep: z.number().positive().max(1), iterations: z.int().min(0) }),
  ({ vector: values, layers: sizes, dense }, { keep, iterations }) => {
    const decoded: number[] = [];
    const layers = stretches(values, sizes).map((part, l) => {
      if (dense[l]) {
        decoded.push(...part);
        return { dense: 4 * part.length };
      }
      const clusters = cluster(part, keep, iterations);
      const { symbols, centroids, counts } = clusters;
      decoded.push(...list(symbols).map((symbol) => centroids[symbol]!));
      const bits = symbolBits(part.length, rarePlaces(clusters));
      return { centroids, counts, symbolBits: bits, chosen: shortest(bits) };
    });
    return { decoded, layers };
  },
);

const onebyte = operation(z.strictObject({ values: z.array(z.number()) }), nothing, ({ values }) => {
  const bytes = values.map(toByte);
  return { bytes, decoded: bytes.map(fromByte) };
});

const nf4Operation = operation(
  alone,
  z.strictObject({ block: z.int().positive().default(64) }),
  ({ vector: values }, { block }) => {
    const { decoded, bytes } = received(nf4({ block }), Float64Array.from(values));
    const body = nf4({ block }).encode(Float64Array.from(values), { floatBytes: 4, stream: given([]) });
    const head = 4 * Math.ceil(values.length / block);
    const codes = values.map((_, i) => (i % 2 === 0 ? body[head + (i >>> 1)]! >>> 4 : body[head + (i >>> 1)]! & 15));
    return { codes, decoded: list(decoded), bytes };
  },
);

const tableOf = z.discriminatedUnion("family", [
  z.strictObject({
    family: z.literal("countsketch"),
    size: z.int().positive(),
    buckets: positions,
    signs: z.array(z.number()),
  }),
  z.strictObject({ family: z.literal("srht"), signs: z.array(z.number()), rows: positions }),
  z.strictObject({ family: z.literal("dense"), matrix: vectorList }),
]);

/** The sketch of a table of draws, for vectors of n entries. */
export function sketchOf(table: z.infer<typeof tableOf>, n: number): Sketch {
  switch (table.family) {
    case "countsketch":
      return countSketch(table.size, table.buckets, table.signs);
    case "srht":
      return srht(n, table.signs, table.rows);
    case "dense":
      return denseSketch(table.matrix);
  }
}

const sketch = operation(z.strictObject({ vector, table: tableOf }), nothing, ({ vector: values, table }) => {
  const map = sketchOf(table, values.length);
  const y = map.apply(Float64Array.from(values));
  const decoded = new Float64Array(values.length);
  map.transpose(y, decoded);
  return { sketch: list(y), decoded: list(decoded), bytes: 4 * map.size };
});

const dgc = operation(
  z.strictObject({ vectors: vectorList }),
  z.strictObject({
    k: z.int().positive(),
    momentum: z.number(),
    nesterov: z.boolean().optional(),
    masking: z.boolean().optional(),
    clipNorm: z.number().optional(),
  }),
  ({ vectors }, { k, ...options }) => {
    const zeros = () => new Float64Array(vectors[0]!.length);
    const compress = (x: Float64Array) =>
      received(
        topEntries(() => k),
        x,
      ).decoded;
    let velocity: Velocity = { u: zeros(), v: zeros() };
    const steps = vectors.map((gradient) => {
      const done = correctMomentum(compress, Float64Array.from(gradient), velocity, options);
      velocity = done.velocity;
      return { sent: list(done.sent), u: list(velocity.u), v: list(velocity.v) };
    });
    return { steps };
  },
);

const errorFeedback = operation(
  z.strictObject({ vectors: vectorList }),
  z.strictObject({ wrapper: z.enum(feedbackWrappers), k: z.int().positive() }),
  ({ vectors }, { wrapper, k }) => {
    const compressor = topEntries(() => k);
    const compress = (x: Float64Array) => received(compressor, x).decoded;
    let state = new Float64Array(vectors[0]!.length) as Float64Array;
    const steps = vectors.map((values) => {
      const fed = feedBack(wrapper, compress, Float64Array.from(values), state);
      state = fed.state;
      return { sent: list(fed.sent), state: list(state) };
    });
    return { steps };
  },
);

const ferret = operation(
  z.strictObject({
    vector,
    blocks: lengths,
    directions: z.array(vectorList),
    order: z.array(positions),
  }),
  z.strictObject({ K: z.int().positive(), variant: z.enum(["unbiased", "code"]) }),
  ({ vector: values, blocks: sizes, directions, order }, { K, variant }) => {
    const blocks = stretches(values, sizes);
    const direction = (l: number, j: number) => directions[l]![j]!;
    const rho = variant === "code" ? (d: number) => 1 / d : truncatedNormalVariance;
    const { budgets, coordinates } = projectBlocks(blocks, direction, order, { directions: K, rho });
    const decoded = coordinates.flatMap((c, l) => list(reconstructBlock(sizes[l]!, c, (j) => direction(l, j))));
    return {
      budgets,
      coordinates: coordinates.map(list),
      decoded,
      bytes: 4 * budgets.reduce((sum, budget) => sum + budget, 0),
    };
  },
);

/** Compression operators on given vectors and draws. */
export const codecOperations: Readonly<Record<string, Operation>> = {
  "codec.topk": topk,
  "codec.randk": randk,
  "codec.qsgd": qsgdOperation,
  "codec.natural": plain(natural, withUniforms),
  "codec.sign": plain(scaledSign),
  "codec.fedzip": fedzip,
  "codec.e3m0": plain(e3m0),
  "codec.onebyte": onebyte,
  "codec.nf4": nf4Operation,
  "codec.sketch": sketch,
  "codec.dgc": dgc,
  "codec.errorFeedback": errorFeedback,
  "codec.ferret": ferret,
};
