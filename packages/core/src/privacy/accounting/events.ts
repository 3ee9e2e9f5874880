import { AnabranchError } from "@anabranch/engine";
import * as z from "zod";

/**
 * Which two populations an observer may not tell apart, for all data of one client (or one record):
 *
 *   add-or-remove: there or not, where it is secret who takes part; moves a sum by the norm bound
 *   zero-out:      replaced by zeros, where it is public who takes part; moves a sum by the norm bound
 *   replace-one:   replaced by any others; moves a sum by twice the norm bound
 *
 * replace-one at some epsilon implies zero-out at the same, as zeros are within the bound; neither implies add-or-remove.
 */
export type Adjacency = (typeof adjacencies)[number];

const adjacencies = ["add-or-remove", "zero-out", "replace-one"] as const;

const noiseMultiplier = z
  .number()
  .nonnegative()
  .describe(
    "standard deviation of the noise on the sum (Laplace: its scale) over the norm bound of one client (or record)",
  );
const count = z.int().positive().default(1).describe("how often the event has happened");
const positiveInt = z.int().positive();
const adjacency = z.enum(adjacencies).default("add-or-remove");

/**
 * Of sums that carry the clients' own shares of noise, always stated. A client that is gone takes its share along: the
 * variances of n and n - 1 shares differ in every coordinate, which no bound on the norm of an update covers.
 */
const adjacencyOfShares = z.enum(adjacencies).exclude(["add-or-remove"]);

/** A sum over all clients with Gaussian noise. Under replace-one a client changes it by twice the norm bound. */
const gaussian = z.strictObject({ kind: z.literal("gaussian"), noiseMultiplier, adjacency, count });

/** The same over a cohort that each client joins independently with probability `samplingRate` (Poisson sampling). */
const poissonGaussian = z.strictObject({
  kind: z.literal("poisson-gaussian"),
  samplingRate: z.number().min(0).max(1),
  noiseMultiplier,
  adjacency: z.literal("add-or-remove").default("add-or-remove"),
  count,
});

/** The same over a cohort of fixed size, drawn uniformly without replacement. */
const fixedSizeGaussian = z
  .strictObject({
    kind: z.literal("fixed-size-gaussian"),
    population: positiveInt,
    cohort: positiveInt,
    noiseMultiplier,
    adjacency: z.literal("replace-one").default("replace-one"),
    count,
  })
  .refine(({ cohort, population }) => cohort <= population, {
    message: "a cohort of at most the population",
    path: ["cohort"],
  });

/**
 * Sums with Gaussian noise over `block` rounds, of which each client takes part in exactly one, drawn uniformly and apart
 * from all others (random allocation). `count` is the number of blocks begun: a block that has not ended counts as a whole,
 * since what its first rounds release can be computed from all of them.
 */
const allocatedGaussian = z.strictObject({
  kind: z.literal("allocated-gaussian"),
  block: positiveInt.max(2 ** 24).describe("rounds in which a client takes part once"),
  noiseMultiplier,
  adjacency: z.literal("add-or-remove").default("add-or-remove"),
  count,
});

/** A sum with Laplace noise in every coordinate; the norm bound of a client is in the 1-norm. */
const laplace = z.strictObject({ kind: z.literal("laplace"), noiseMultiplier, adjacency, count });

/**
 * All prefix sums of `steps` rounds from a binary tree whose nodes carry independent Gaussian noise, begun anew
 * `restarts` times. A client takes part in at most `participations` of the restarts + 1 trees, once in each.
 */
const treeGaussian = z
  .strictObject({
    kind: z.literal("tree-gaussian"),
    noiseMultiplier,
    steps: positiveInt,
    restarts: z.int().nonnegative().default(0),
    participations: positiveInt,
    adjacency,
    count,
  })
  .refine(({ participations, restarts }) => participations <= restarts + 1, {
    message: "at most one participation of a client in each tree (restarts + 1)",
    path: ["participations"],
  });

/**
 * A release of which a theorem says that every Rényi divergence is at most rho times its order (zero-concentrated
 * differential privacy: M. Bun, T. Steinke, TCC 2016, arXiv:1605.02065), as of a sum with clients' discrete Gaussian noise.
 */
const zeroConcentrated = z.strictObject({
  kind: z.literal("zero-concentrated"),
  rho: z.number().nonnegative().describe("for neighbours of the stated adjacency"),
  adjacency: adjacencyOfShares,
  count,
});

/** A sum of whole numbers with Skellam noise. */
const skellam = z.strictObject({
  kind: z.literal("skellam"),
  l1: z.number().positive().describe("by how much neighbours differ at most in 1-norm, in steps of the grid"),
  l2: z.number().positive().describe("the same in 2-norm"),
  variance: z.number().positive().describe("of the noise of the whole sum, in squared steps of the grid"),
  adjacency: adjacencyOfShares,
  count,
});

/**
 * Something that was released, as plain data: which mechanism, and how often.
 *
 * @example
 * ```ts
 * import { privacyEventSchema } from "@anabranch/core";
 * privacyEventSchema.safeParse({ kind: "gaussian", noiseMultiplier: -1 }).success; // => false
 * ```
 */
export const privacyEventSchema = z.discriminatedUnion("kind", [
  gaussian,
  poissonGaussian,
  fixedSizeGaussian,
  allocatedGaussian,
  laplace,
  treeGaussian,
  zeroConcentrated,
  skellam,
]);

export type PrivacyEvent = Readonly<z.output<typeof privacyEventSchema>>;
export type PrivacyEventInput = Readonly<z.input<typeof privacyEventSchema>>;

/** Whether a release has no noise, and so no guarantee. Events that a theorem stands for always have some. */
export function isSilent(event: PrivacyEventInput): boolean {
  return "noiseMultiplier" in event && event.noiseMultiplier === 0;
}

/**
 * What `rounds` rounds release that are all like one with this event: as many of it, or as many blocks as have begun.
 *
 * @example
 * ```ts
 * import { occurring } from "@anabranch/core";
 * occurring({ kind: "gaussian", noiseMultiplier: 4 }, 30).count; // => 30
 * ```
 */
export function occurring(event: PrivacyEventInput, rounds: number): PrivacyEventInput {
  const count = event.kind === "allocated-gaussian" ? Math.ceil(rounds / event.block) : (event.count ?? 1) * rounds;
  return { ...event, count };
}

/** An event with its defaults. Throws `privacy/event` for one that is not allowed. */
export function parseEvent(event: unknown, where?: string): PrivacyEvent {
  const parsed = privacyEventSchema.safeParse(event);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const received = path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)?.[key], event);
  throw new AnabranchError({
    code: "privacy/event",
    message: `a privacy event has ${path.length === 0 ? "the wrong form" : `a wrong ${path.join(".")}`}`,
    ...(where === undefined ? {} : { where }),
    received: typeof received === "number" ? String(received) : (JSON.stringify(received) ?? "nothing"),
    expected: message,
  });
}

/**
 * Equal events as one with the sum of their counts, in an order that does not depend on the order given: composition is
 * exact for equal events, and cheap however many there are.
 *
 * @example
 * ```ts
 * import { groupEvents } from "@anabranch/core";
 * const event = { kind: "gaussian", noiseMultiplier: 4 } as const;
 * groupEvents([event, event, event])[0]!.count; // => 3
 * ```
 */
export function groupEvents(events: readonly PrivacyEventInput[]): PrivacyEvent[] {
  // Texts of raw events come first, so that thousands of equal ones are validated once.
  const spelled = merge(events, (event) => event.count ?? 1);
  const parsed = [...spelled.values()].map(({ event, count: times }) => parseEvent({ ...event, count: times }));
  const groups = merge(parsed, (event) => event.count);
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { event, count: times }]) => ({ ...event, count: times }));
}

function merge<E extends PrivacyEventInput>(events: readonly E[], countOf: (event: E) => number) {
  const groups = new Map<string, { readonly event: E; count: number }>();
  for (const event of events) {
    const times = countOf(event);
    if (!Number.isSafeInteger(times) || times < 1) parseEvent(event);
    const key = JSON.stringify({ ...event, count: 1 });
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { event, count: times });
    else group.count += times;
  }
  return groups;
}
