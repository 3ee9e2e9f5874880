import { type BeforeStage, fewestUpdates, mostByzantine, type SetRule } from "../aggregation/robust/index.ts";
import { conflict } from "./check.ts";
import { show } from "./expectation.ts";
import type { Locate } from "./issues.ts";
import type { Config } from "./schema.ts";

type Aggregation = Config["aggregation"];
type Key = Exclude<keyof Aggregation, "weighting" | "clipNorm" | "rule" | "before">;

/** Keys of the section that a rule or stage reads; those marked "needed" have no default. */
const KEYS: Readonly<Record<SetRule["name"] | BeforeStage["name"], Partial<Record<Key, "needed" | "optional">>>> = {
  mean: {},
  median: { byzantine: "optional" },
  "norm-bound": { norm: "needed" },
  "trimmed-mean": { byzantine: "optional", ratio: "optional" },
  meamed: { byzantine: "needed" },
  phocas: { byzantine: "needed" },
  krum: { byzantine: "needed", neighbours: "optional" },
  "multi-krum": { byzantine: "needed", neighbours: "optional", average: "optional", mode: "optional" },
  "geometric-median": {
    byzantine: "optional",
    iterations: "optional",
    smoothing: "optional",
    tolerance: "optional",
  },
  bulyan: { byzantine: "needed" },
  "centred-clipping": { byzantine: "optional", radius: "needed", iterations: "optional" },
  "minimum-diameter": { byzantine: "needed" },
  fltrust: { byzantine: "optional", root: "optional" },
  nnm: { byzantine: "needed" },
  "adaptive-clipping": { byzantine: "needed" },
  bucketing: { bucketSize: "optional" },
};

/**
 * Refuses options of a rule that it does not have or that are missing, and more Byzantine clients than it can handle in a
 * cohort of this size. Throws `config/conflict`; what a method cannot do is refused where the run is prepared.
 */
export function checkAggregation(config: Config, locate: Locate): void {
  const { aggregation } = config;
  const { rule = "mean", before = [] } = aggregation;
  const at = (key: string) => locate(["aggregation", key]);
  const parts = [rule, ...before];
  const where = `aggregation.rule = "${rule}"${before.length === 0 ? "" : ` after ${before.map((name) => `"${name}"`).join(", ")}`}`;
  const twice = before.find((name, place) => before.indexOf(name) !== place);
  if (twice !== undefined)
    throw conflict(at("before"), show(before), "each stage once", `Remove one "${twice}" from aggregation.before.`);
  const keys: Partial<Record<Key, "needed" | "optional">> = Object.assign({}, ...parts.map((name) => KEYS[name]));
  for (const part of parts) {
    for (const [key, need] of Object.entries(KEYS[part]) as [Key, string][]) {
      if (need !== "needed" || aggregation[key] !== undefined) continue;
      throw conflict(at(key), `nothing, with ${where}`, "a value", `"${part}" needs aggregation.${key}: set it.`);
    }
  }
  for (const [key, value] of Object.entries(aggregation)) {
    if (["weighting", "clipNorm", "rule", "before"].includes(key) || value === undefined || key in keys) continue;
    const readers = Object.entries(KEYS).flatMap(([name, read]) => (key in read ? [`"${name}"`] : []));
    throw conflict(
      at(key),
      `${show(value)}, with ${where}`,
      "nothing",
      `Only ${readers.join(", ")} read this key: remove it.`,
    );
  }
  checkTrim(aggregation, rule, at);
  checkMode(aggregation, at);
  checkWeighting(aggregation, rule, where, at);
  checkCohort(config, rule, at);
}

function checkTrim({ byzantine, ratio }: Aggregation, rule: string, at: (key: string) => string): void {
  if (rule !== "trimmed-mean" || (byzantine === undefined) !== (ratio === undefined)) return;
  const received = byzantine === undefined ? "neither" : `byzantine = ${byzantine} and ratio = ${ratio}`;
  throw conflict(
    at("ratio"),
    received,
    "one of the two",
    "Set aggregation.byzantine, the updates to drop at each end, or aggregation.ratio, their fraction.",
  );
}

function checkMode({ mode, average }: Aggregation, at: (key: string) => string): void {
  if (mode !== "iterative" || average === undefined) return;
  throw conflict(
    at("average"),
    `${average}, with aggregation.mode = "iterative"`,
    "nothing",
    "This form continues until 2f + 2 updates are left, and averages all that it has chosen: remove one of the two.",
  );
}

function checkWeighting(
  { weighting, before = [] }: Aggregation,
  rule: string,
  where: string,
  at: (key: string) => string,
): void {
  if (weighting !== "examples") return;
  const weighs = ["mean", "norm-bound", "geometric-median"].includes(rule);
  const mixing = before.find((name) => name === "nnm" || name === "bucketing");
  if (weighs && mixing === undefined) return;
  throw conflict(
    at("weighting"),
    `"examples", with ${where}`,
    '"uniform"',
    "A client could claim any number of examples, so this rule weighs all updates alike: remove the key.",
  );
}

/** A rule among too few clients gives no guarantee. With drawn cohorts the expected size counts. */
function checkCohort({ aggregation, sampler }: Config, rule: SetRule["name"], at: (key: string) => string): void {
  const { byzantine = 0, before = [], bucketSize = 2, neighbours, average } = aggregation;
  const cohort = Math.round(sampler.cohort);
  const part = { name: rule, byzantine } as SetRule;
  const isBucketed = before.includes("bucketing");
  const count = isBucketed ? Math.ceil(cohort / bucketSize) : cohort;
  const own = fewestUpdates(part);
  // any rule can handle fewer than half of the clients
  const fewest = own.count > 1 ? own : { count: byzantine === 0 ? 0 : 2 * byzantine + 1, why: "n > 2f" };
  if (count < fewest.count) {
    const most = own.count > 1 ? mostByzantine(part, count) : Math.floor((count - 1) / 2);
    throw conflict(
      at("byzantine"),
      `${byzantine}, with sampler.cohort = ${sampler.cohort}${isBucketed ? ` in ${count} buckets` : ""}`,
      most === undefined ? `a larger sampler.cohort (${fewest.why})` : `at most ${most} (${fewest.why})`,
      `"${rule}" needs ${fewest.why}: lower aggregation.byzantine, or raise sampler.cohort to ${fewest.count * (isBucketed ? bucketSize : 1)}.`,
    );
  }
  for (const [key, value] of [
    ["neighbours", neighbours],
    ["average", average],
  ] as const) {
    const most = key === "neighbours" ? count - 1 : count;
    if (value === undefined || value <= most) continue;
    throw conflict(
      at(key),
      `${value}, with sampler.cohort = ${sampler.cohort}`,
      `at most ${most}`,
      "A round has no more updates than that.",
    );
  }
}
