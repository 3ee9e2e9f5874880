import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";
import type { Compressor } from "./compressor.ts";
import { plainFloats } from "./floats.ts";
import { e3m0, nf4 } from "./level-table.ts";
import { natural } from "./natural.ts";
import { nonZeros } from "./non-zeros.ts";
import { oneByte } from "./one-byte.ts";
import { qsgd } from "./qsgd.ts";
import { randK } from "./rand-k.ts";
import { seedPairs } from "./seed-pairs.ts";
import { scaledSign } from "./sign.ts";
import { linearSketch } from "./sketch.ts";
import { fedZip } from "./three-clusters.ts";
import { topK } from "./top-k.ts";

const density = z.number().positive().max(1).describe("share of the entries that is sent");

/** One operator of a chain with its options, as plain data: operators are named, never sent as code. */
export const compressionLink = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("top-k"), density }),
  z.strictObject({ name: z.literal("rand-k"), density, scaled: z.boolean().default(true) }),
  z.strictObject({ name: z.enum(["count-sketch", "srht"]), size: density.describe("size as a share of the vector") }),
  z.strictObject({
    name: z.literal("qsgd"),
    levels: z.int().min(1).max(65_535).describe("levels above 0"),
    bucket: z.int().min(1).default(512).describe("values that share a norm"),
    coding: z.enum(["elias", "fixed"]).default("elias"),
  }),
  z.strictObject({ name: z.literal("natural") }),
  z.strictObject({ name: z.literal("sign") }),
  z.strictObject({ name: z.literal("e3m0") }),
  z.strictObject({ name: z.literal("one-byte") }),
  z.strictObject({ name: z.literal("non-zeros") }),
  z.strictObject({
    name: z.literal("seed-pairs"),
    pool: z
      .int()
      .min(1)
      .max(2 ** 32)
      .describe("number of seeds"),
  }),
  z.strictObject({ name: z.literal("nf4"), block: z.int().min(1).default(64) }),
  z.strictObject({ name: z.literal("fedzip"), keep: density, iterations: z.int().min(1).max(100).default(10) }),
]);

export type CompressionLink = z.output<typeof compressionLink>;

/**
 * The compressor of a chain: each operator acts on the values that the one before it leaves.
 * Throws `compression/chain` for an operator after one that ends a chain, or for none.
 *
 * @example
 * ```ts
 * import { compressorOf } from "@anabranch/core";
 * const chain = compressorOf([{ name: "top-k", density: 0.01 }, { name: "nf4", block: 64 }]);
 * chain.traits.contractive; // => true
 * ```
 */
export function compressorOf(links: readonly CompressionLink[]): Compressor {
  const [first, ...rest] = links;
  if (first === undefined) throw chainError("the chain has no operator", "at least one operator");
  const inner = rest.length === 0 ? undefined : compressorOf(rest);
  const outer = continued(first, inner ?? plainFloats);
  if (outer !== undefined) return outer;
  if (inner !== undefined) {
    throw chainError(
      `${first.name} writes bits, so ${rest[0]!.name} has nothing to act on`,
      `${rest[0]!.name} before ${first.name}, or one of them`,
    );
  }
  return ending(first);
}

/** Operators that leave fewer values; undefined for those that write them. */
function continued(link: CompressionLink, inner: Compressor): Compressor | undefined {
  switch (link.name) {
    case "top-k":
      return topK(link.density, inner);
    case "rand-k":
      return randK(link.density, { scaled: link.scaled }, inner);
    case "count-sketch":
    case "srht":
      return linearSketch(link.name, link.size, inner);
    default:
      return undefined;
  }
}

function ending(link: CompressionLink): Compressor {
  switch (link.name) {
    case "qsgd":
      return qsgd(link);
    case "natural":
      return natural();
    case "sign":
      return scaledSign();
    case "e3m0":
      return e3m0();
    case "nf4":
      return nf4({ block: link.block });
    case "fedzip":
      return fedZip(link);
    case "one-byte":
      return oneByte();
    case "non-zeros":
      return nonZeros();
    case "seed-pairs":
      return seedPairs(link.pool);
    default:
      throw chainError(`${link.name} ends no chain`, "an operator that writes values");
  }
}

function chainError(received: string, expected: string): AnabranchError {
  return new AnabranchError({
    code: "compression/chain",
    message: "the compression operators do not form a chain",
    where: "compression.up",
    received,
    expected,
    advice: "Operators that write bits (qsgd, natural, sign, e3m0, one-byte, nf4, fedzip) end a chain.",
  });
}
