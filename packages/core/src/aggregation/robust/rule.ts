/** Rules that see every update of a cohort, and stages before them, as plain data. */

/** Rules by name; each file of this folder names the paper that its rules come from. */
export type SetRule =
  | { readonly name: "mean" }
  | { readonly name: "norm-bound"; readonly norm: number }
  | { readonly name: "median" }
  | { readonly name: "trimmed-mean"; readonly byzantine?: number | undefined; readonly ratio?: number | undefined }
  | { readonly name: "meamed" | "phocas"; readonly byzantine: number }
  | { readonly name: "krum"; readonly byzantine: number; readonly neighbours?: number | undefined }
  | MultiKrum
  | {
      readonly name: "geometric-median";
      readonly iterations: number;
      readonly smoothing: number;
      readonly tolerance?: number | undefined;
    }
  | { readonly name: "bulyan" | "minimum-diameter"; readonly byzantine: number }
  | { readonly name: "centred-clipping"; readonly radius: number; readonly iterations?: number | undefined }
  | { readonly name: "fltrust" };

export interface MultiKrum {
  readonly name: "multi-krum";
  readonly byzantine: number;
  readonly neighbours?: number | undefined;
  /** Updates that are averaged, m; absent: n - f - 2. */
  readonly average?: number | undefined;
  /** "once": the m lowest scores; "iterative": scores anew after each choice, until 2f + 2 updates remain. */
  readonly mode?: "once" | "iterative" | undefined;
}

/** Stages that change the set before the rule sees it. */
export type BeforeStage =
  | { readonly name: "nnm" | "adaptive-clipping"; readonly byzantine: number }
  | { readonly name: "bucketing"; readonly size: number; readonly permutation?: readonly number[] | undefined }
  | { readonly name: "norm-bound"; readonly norm: number };

/** A rule with the stages before it. */
export type RobustRule = SetRule & { readonly before?: readonly BeforeStage[] | undefined };

/**
 * Names of the rules that aggregate a set of updates.
 *
 * @example
 * ```ts
 * import { setRules } from "@anabranch/core";
 * setRules.includes("krum"); // => true
 * ```
 */
export const setRules = [
  "mean",
  "norm-bound",
  "median",
  "trimmed-mean",
  "meamed",
  "phocas",
  "krum",
  "multi-krum",
  "geometric-median",
  "bulyan",
  "centred-clipping",
  "minimum-diameter",
  "fltrust",
] as const satisfies readonly SetRule["name"][];

/**
 * Names of the stages that change the set before a rule.
 *
 * @example
 * ```ts
 * import { beforeStages } from "@anabranch/core";
 * beforeStages.includes("nnm"); // => true
 * ```
 */
export const beforeStages = [
  "nnm",
  "bucketing",
  "norm-bound",
  "adaptive-clipping",
] as const satisfies readonly BeforeStage["name"][];

/**
 * Rules that can weigh updates. A client may lie about its examples, so the others weigh all alike.
 *
 * @example
 * ```ts
 * import { isWeighted } from "@anabranch/core";
 * isWeighted({ name: "mean" }); // => true
 * ```
 */
export function isWeighted({ name }: SetRule): boolean {
  return name === "mean" || name === "norm-bound" || name === "geometric-median";
}

/**
 * Byzantine updates that a rule or stage is made for; 0 where it has no such number.
 *
 * @example
 * ```ts
 * import { byzantineOf } from "@anabranch/core";
 * byzantineOf({ name: "krum", byzantine: 2 }); // => 2
 * ```
 */
export function byzantineOf(part: SetRule | BeforeStage): number {
  return "byzantine" in part ? (part.byzantine ?? 0) : 0;
}

/** The same for those of `count` updates that are left: dropped ones were Byzantine, and are in no permutation. */
export function withoutDropped<T extends SetRule | BeforeStage>(part: T, count: number, left: readonly number[]): T {
  const dropped = count - left.length;
  if (dropped === 0) return part;
  if ("byzantine" in part && part.byzantine !== undefined)
    return { ...part, byzantine: Math.max(0, part.byzantine - dropped) };
  if (!("permutation" in part) || part.permutation?.length !== count) return part;
  const permutation = part.permutation.map((place) => left.indexOf(place)).filter((place) => place >= 0);
  return { ...part, permutation };
}
