import * as z from "zod";

const table = (what: string) => z.record(z.string(), z.unknown(), { error: `a table of ${what}` });
const whole = (from: number) => {
  const error = `an integer, at least ${from}`;
  return z.int({ error }).min(from, { error });
};
const text = (what: string) => z.string({ error: what }).min(1, { error: what });

const tune = z.strictObject(
  {
    seed: whole(0).optional(),
    rounds: whole(1).optional(),
    metric: z
      .enum(["recentAccuracy", "accuracy"], { error: '"recentAccuracy" or "accuracy"' })
      .default("recentAccuracy"),
    grid: table("keys with lists of values").default({}),
    at: table("keys with one of their values in grid").default({}),
  },
  { error: "a table with grid, seed, rounds, metric and at" },
);

const variant = z.strictObject(
  {
    name: text("a name in quotes").max(200, { error: "at most 200 characters" }),
    set: table("keys with values").default({}),
    grid: table("keys with lists of values").default({}),
    tune: table("keys with lists of values").optional(),
  },
  { error: "a table with name, set, grid and tune" },
);

/** A sweep file as it is written. Tables of keys are looked at one by one afterwards: they may be nested. */
export const sweepSchema = z.strictObject({
  name: text("a name in quotes").optional(),
  base: text("the path of a run configuration, relative to this file"),
  seeds: z
    .array(whole(0), { error: "a list of integers, e.g. [1, 2, 3]" })
    .min(1, { error: "at least one seed" })
    .optional(),
  set: table("keys with values").default({}),
  grid: table("keys with lists of values").default({}),
  tune: tune.optional(),
  variants: z
    .array(variant, { error: "tables that begin with [[variants]]" })
    .min(1, { error: "at least one variant" })
    .optional(),
});

/** The keys known at a place of the file. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  if (path[0] === "tune") return Object.keys(tune.shape);
  return Object.keys(path[0] === "variants" ? variant.shape : sweepSchema.shape);
}
