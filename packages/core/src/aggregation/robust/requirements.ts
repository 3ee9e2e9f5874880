import { AnabranchError } from "@anabranch/engine";
import { type BeforeStage, byzantineOf, type SetRule } from "./rule.ts";

/**
 * Updates without which a rule gives no guarantee, so it refuses to act.
 *
 * @example
 * ```ts
 * import { fewestUpdates } from "@anabranch/core";
 * fewestUpdates({ name: "krum", byzantine: 2 }).count; // => 7
 * ```
 */
export function fewestUpdates(rule: SetRule): { readonly count: number; readonly why: string } {
  const f = byzantineOf(rule);
  switch (rule.name) {
    case "krum":
    case "multi-krum":
      return { count: 2 * f + 3, why: "n >= 2f + 3" };
    case "bulyan":
      return { count: 4 * f + 3, why: "n >= 4f + 3" };
    case "trimmed-mean":
    case "meamed":
    case "phocas":
    case "minimum-diameter":
      return { count: 2 * f + 1, why: "n > 2f" };
    default:
      return { count: 1, why: "n >= 1" };
  }
}

/**
 * The largest number of Byzantine updates that a rule takes among `count`; undefined where none is too few already.
 *
 * @example
 * ```ts
 * import { mostByzantine } from "@anabranch/core";
 * mostByzantine({ name: "krum", byzantine: 1 }, 10); // => 3
 * ```
 */
export function mostByzantine(rule: SetRule, count: number): number | undefined {
  const f = {
    krum: Math.floor((count - 3) / 2),
    "multi-krum": Math.floor((count - 3) / 2),
    bulyan: Math.floor((count - 3) / 4),
  }[rule.name as string];
  const most = f ?? Math.floor((count - 1) / 2);
  return most < 0 ? undefined : most;
}

/** Refuses (`aggregation/too-few`) a rule on fewer updates than it needs, and an option that they do not allow. */
export function requireUpdates(rule: SetRule, count: number): void {
  const { count: fewest, why } = fewestUpdates(rule);
  if (count < fewest) {
    const most = mostByzantine(rule, count);
    throw new AnabranchError({
      code: "aggregation/too-few",
      message: `the rule "${rule.name}" needs ${why}`,
      received: `n = ${count} updates with f = ${byzantineOf(rule)}`,
      expected: `at least ${fewest} updates`,
      advice:
        most === undefined
          ? "Select more clients per round."
          : `With ${count} updates it can handle f = ${most} at most.`,
    });
  }
  if (rule.name === "trimmed-mean" && rule.ratio !== undefined && count <= 2 * Math.floor(rule.ratio * count)) {
    throw outOfRange("ratio", rule.ratio, "below 0.5", count);
  }
  if ((rule.name === "krum" || rule.name === "multi-krum") && (rule.neighbours ?? 1) > count - 1)
    throw outOfRange("neighbours", rule.neighbours!, `at most n - 1 = ${count - 1}`, count);
  if (rule.name === "multi-krum" && (rule.average ?? 1) > count)
    throw outOfRange("average", rule.average!, `at most n = ${count}`, count);
}

/** Refuses a stage on fewer updates than it needs (`aggregation/too-few`). */
export function requireStage(stage: BeforeStage, count: number): void {
  const f = byzantineOf(stage);
  if (count > 2 * f) return;
  throw new AnabranchError({
    code: "aggregation/too-few",
    message: `the stage "${stage.name}" needs n > 2f`,
    received: `n = ${count} updates with f = ${f}`,
    expected: `at least ${2 * f + 1} updates`,
    advice: `With ${count} updates it can handle f = ${Math.floor((count - 1) / 2)} at most.`,
  });
}

function outOfRange(option: string, received: number, expected: string, count: number): AnabranchError {
  return new AnabranchError({
    code: "aggregation/option",
    message: `the option ${option} does not fit n = ${count} updates`,
    received: String(received),
    expected,
  });
}
