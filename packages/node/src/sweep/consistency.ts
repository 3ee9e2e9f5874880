import type { Problem } from "./problems.ts";
import type { SweepSpec, VariantSpec } from "./sweep-spec.ts";
import { combinations, type Grid, type Value } from "./values.ts";

/** Keys that the sweep itself sets. */
const OWN: Readonly<Record<string, string>> = {
  name: "A run has the name of its variant.",
  seed: "List the seeds in seeds.",
};

/** What contradicts itself in a sweep file, though each part is allowed. */
export function requireConsistent(spec: SweepSpec): Problem[] {
  const variants = spec.variants ?? [];
  return [
    ...repeated(spec.seeds ?? [], "seeds"),
    ...repeated(
      variants.map(({ name }) => name),
      "variants",
    ),
    ...reserved(spec.set, "set"),
    ...twice(spec.set, "set", spec.grid, "grid"),
    ...reserved(spec.grid, "grid"),
    ...repeatedIn(spec.grid, "grid"),
    ...repeatedIn(spec.tune?.grid ?? {}, "tune.grid"),
    ...variants.flatMap((variant) => variantProblems(spec, variant)),
    ...(spec.tune === undefined ? untuned(variants) : [...tuneProblems(spec), ...budgets(spec)]),
  ];
}

function variantProblems(spec: SweepSpec, { name, set, grid, tune }: VariantSpec): Problem[] {
  const place = `variant "${name}", `;
  return [
    ...reserved(set, `${place}set`),
    ...reserved(ownLists(grid, spec.grid), `${place}grid`),
    ...reserved(tune, `${place}tune`),
    ...repeatedIn(ownLists(grid, spec.grid), `${place}grid`),
    ...repeatedIn(ownLists(tune, spec.tune?.grid), `${place}tune`),
    ...twice(set, `${place}set`, grid, "grid"),
    ...twice(set, `${place}set`, tune, "tune"),
    ...twice(tune, `${place}tune`, grid, "grid"),
  ];
}

/** A tuning is done at a point of a grid: a value of none would choose for runs that the sweep does not have. */
function tuneProblems({ tune, grid, variants }: SweepSpec): Problem[] {
  const grids = [grid, ...(variants ?? []).map((variant) => variant.grid)];
  const keys = new Set(grids.flatMap(Object.keys));
  return Object.entries(tune!.at).flatMap(([key, value]): Problem[] => {
    const where = `tune.at.${key}`;
    if (!keys.has(key)) {
      const expected = keys.size === 0 ? "nothing: there is no grid" : `one of ${[...keys].join(", ")}`;
      const advice = "Values for all runs belong in [set].";
      return [{ message: `tune.at fixes "${key}", which is in no grid`, where, expected, advice }];
    }
    const values = new Set(grids.flatMap((one) => one[key] ?? []).map((one) => JSON.stringify(one)));
    const received = JSON.stringify(value);
    if (values.has(received)) return [];
    const expected = `one of ${[...values].join(", ")}`;
    const advice = "Correct it, or add it to the grid. To choose at another point, tune in a sweep of its own.";
    return [{ message: `tune.at fixes "${key}" at a value that is in no grid`, where, received, expected, advice }];
  });
}

/** The same budget for all: as many values for each variant. */
function budgets({ variants, tune }: SweepSpec): Problem[] {
  const counts = (variants ?? [{ name: "base", tune: tune!.grid }]).map((variant) => ({
    name: variant.name,
    count: Object.keys(variant.tune).length === 0 ? 0 : combinations(variant.tune).length,
  }));
  const untunedOnes = counts.filter(({ count }) => count === 0);
  if (untunedOnes.length > 0)
    return untunedOnes.map(({ name }) => ({
      message: "there is nothing to tune",
      where: `variant "${name}"`,
      expected: "values in [tune.grid] or in the variant's own tune",
      advice: "A variant with fixed options is tuned over a key with as many values as the others have.",
    }));
  const [first] = counts;
  return counts
    .filter(({ count }) => count !== first!.count)
    .map(({ name, count }) => ({
      message: "variants are tuned with different budgets",
      where: `variant "${name}", tune`,
      received: `${count} values`,
      expected: `${first!.count} values, as variant "${first!.name}" has`,
      advice: "A comparison is fair where each variant is tried with as many values.",
    }));
}

function untuned(variants: readonly VariantSpec[]): Problem[] {
  return variants
    .filter(({ tune }) => Object.keys(tune).length > 0)
    .map(({ name }) => ({
      message: "a variant has values to tune, but the sweep has no [tune]",
      where: `variant "${name}", tune`,
      advice: "Add [tune] with seed and rounds, or move the values to the variant's grid.",
    }));
}

/** The lists of a variant that are not the sweep's, which are looked at once. */
function ownLists(grid: Grid, shared: Grid = {}): Grid {
  return Object.fromEntries(Object.entries(grid).filter(([key, values]) => values !== shared[key]));
}

function reserved(keys: object, place: string): Problem[] {
  return Object.keys(keys)
    .filter((key) => Object.hasOwn(OWN, key))
    .map((key) => ({ message: `"${key}" cannot be set here`, where: `${place}.${key}`, advice: OWN[key]! }));
}

function twice(keys: object, place: string, others: Grid, otherPlace: string): Problem[] {
  return Object.keys(keys)
    .filter((key) => Object.hasOwn(others, key))
    .map((key) => ({
      message: `"${key}" has a value in two places`,
      where: `${place}.${key}`,
      expected: `a value here or in ${otherPlace}`,
      advice: "A value that is set would hide the list of values.",
    }));
}

/** A value that stands in a list twice would be a row, or a try of a tuning, that says nothing new. */
function repeatedIn(grid: Grid, place: string): Problem[] {
  return Object.entries(grid).flatMap(([key, values]) => repeated(values, `${place}.${key}`));
}

function repeated(values: readonly Value[], place: string): Problem[] {
  const texts = values.map((value) => JSON.stringify(value));
  const again = [...new Set(texts.filter((text, index) => texts.indexOf(text) !== index))];
  return again.map((text) => ({ message: `${text} stands there twice`, where: place }));
}
