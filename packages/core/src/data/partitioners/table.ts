import { AnabranchError } from "@anabranch/engine";
import { z } from "zod";
import type { Partitioner } from "../partition.ts";
import { communities } from "./communities.ts";
import { dirichletDisjoint } from "./dirichlet-disjoint.ts";
import { dirichletEqualSize } from "./dirichlet-equal-size.ts";
import { embeddingSkew } from "./embedding.ts";
import { iid } from "./iid.ts";
import { longTail } from "./long-tail.ts";
import { natural } from "./natural.ts";
import { quantitySkew } from "./quantity-skew.ts";
import { shards } from "./shards.ts";

/** A partitioner as configuration names it. */
export interface PartitionerEntry {
  /** One sentence for lists and help texts. */
  readonly summary: string;
  /** Schema of the options, with their defaults; unknown keys are refused. */
  readonly options: z.ZodType;
  /** Builds the partitioner from unchecked options; a wrong one is an AnabranchError with its key path. */
  create(options?: unknown): Partitioner;
}

const alpha = z
  .number()
  .positive()
  .max(1e9)
  .describe("concentration of the Dirichlet distribution; smaller is more unequal");
const minimumSize = z.int().min(1).default(1).describe("fewest examples of a client");

/**
 * All partitioners by name.
 *
 * @example
 * ```ts
 * import { partitioners } from "@anabranch/core";
 * Object.keys(partitioners); // => ["iid", "dirichlet", "embedding", "shards", "quantity-skew", "natural", "long-tail", "communities"]
 * ```
 */
export const partitioners = {
  iid: entry("equal parts of the shuffled data", z.strictObject({}), () => iid()),
  dirichlet: entry(
    "label skew: every client's label shares come from a Dirichlet distribution",
    z.strictObject({
      alpha: alpha.default(0.1),
      recipe: z
        .enum(["equal-size", "disjoint"])
        .default("equal-size")
        .describe('"equal-size": same number per client, drawn with replacement; "disjoint": every example once'),
      /** Disjoint recipe only: the other gives equal sizes. */
      minimumSize,
      balanced: z
        .boolean()
        .default(false)
        .describe("disjoint only: clients that have their equal part of all examples get no further class"),
    }),
    ({ recipe, ...options }) => (recipe === "disjoint" ? dirichletDisjoint(options) : dirichletEqualSize(options)),
  ),
  embedding: entry(
    "skew by looks: clusters of similar examples are divided by a Dirichlet distribution",
    z.strictObject({
      clusters: z.int().min(1).max(1000).default(10).describe("number of clusters of similar examples"),
      alpha: alpha.default(0.1),
      minimumSize,
    }),
    embeddingSkew,
  ),
  shards: entry(
    "pathological label skew: a few classes for each client",
    z.strictObject({ classesPerClient: z.int().min(1).default(2).describe("number of classes of a client") }),
    shards,
  ),
  "quantity-skew": entry("IID data in unequal amounts", z.strictObject({ alpha: alpha.default(0.5) }), quantitySkew),
  natural: entry(
    "one client for each natural owner of the data (speaker, writer)",
    z.strictObject({
      minimumSize,
      merge: z.boolean().default(false).describe("merge owners with too few examples instead of leaving them out"),
    }),
    natural,
  ),
  "long-tail": entry(
    "long-tailed class sizes; assigned IID, or by Dirichlet if alpha is given",
    z.strictObject({
      imbalance: z
        .number()
        .positive()
        .max(1)
        .default(0.1)
        .describe("size of the rarest class over that of the commonest"),
      form: z
        .enum(["exp", "step"])
        .default("exp")
        .describe('"exp": class sizes fall exponentially; "step": the second half of the classes is rare'),
      alpha: alpha.optional(),
      recipe: z
        .enum(["disjoint", "equal-size"])
        .default("disjoint")
        .describe(
          'with alpha: "disjoint": every example once; "equal-size" repeats rare examples and evens classes out',
        ),
    }),
    ({ alpha, recipe, ...options }) => longTail(options, alpha === undefined ? iid() : dealt(recipe, alpha)),
  ),
  communities: entry("communities of a graph, found by label propagation", z.strictObject({}), () => communities()),
} as const satisfies Record<string, PartitionerEntry>;

function dealt(recipe: "disjoint" | "equal-size", alpha: number): Partitioner {
  return recipe === "disjoint" ? dirichletDisjoint({ alpha, minimumSize: 1 }) : dirichletEqualSize({ alpha });
}

export type PartitionerName = keyof typeof partitioners;

/**
 * The partitioner of a configuration. `name`: a key of `partitioners`.
 *
 * @example
 * ```ts
 * import { createPartitioner } from "@anabranch/core";
 * createPartitioner("dirichlet", { alpha: 0.3 }).name; // => "dirichlet"
 * ```
 */
export function createPartitioner(name: string, options: unknown = {}): Partitioner {
  if (Object.hasOwn(partitioners, name)) return partitioners[name as PartitionerName].create(options);
  throw new AnabranchError({
    code: "partition/unknown",
    message: "unknown partition scheme",
    received: JSON.stringify(name),
    expected: `one of ${Object.keys(partitioners).join(", ")}`,
  });
}

function entry<Schema extends z.ZodType>(
  summary: string,
  options: Schema,
  build: (options: z.output<Schema>) => Partitioner,
): PartitionerEntry & { readonly options: Schema } {
  return {
    summary,
    options,
    create(received = {}) {
      const result = options.safeParse(received);
      if (result.success) return build(result.data);
      const issue = result.error.issues[0];
      throw new AnabranchError({
        code: "partition/options",
        message: `an option of the partitioner is wrong: ${issue?.message ?? "invalid"}`,
        where: `partitioner option ${issue?.path.join(".") || "names"}`,
        received: JSON.stringify(received),
        expected: `an option table of the partitioner (${summary})`,
      });
    },
  };
}
