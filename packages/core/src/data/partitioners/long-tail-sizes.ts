/** "exp": sizes fall exponentially from class to class; "step": the second half of the classes is rare. */
export type LongTailForm = "exp" | "step";

/** How common a class is in the whole federation. */
export type ClassGroup = "head" | "middle" | "tail";

/** A product that misses a whole number by rounding alone counts as that number. */
const SLACK = 1e-12;

/** Shares of all examples at which middle and tail begin, as in the released code of FedLoGe. */
const [MIDDLE, TAIL] = [0.75, 0.95];

/**
 * Sizes of the classes of a long-tailed set, [classes]: floor(maximum * ratio^(c / (classes - 1))), or `maximum` for the
 * first half of the classes (rounded up) and floor(maximum * ratio) for the others.
 *
 * @param ratio size of the rarest class over that of the commonest
 * @example
 * ```ts
 * import { longTailSizes } from "@anabranch/core";
 * longTailSizes(3, 100, 0.01); // => [100, 10, 1]
 * longTailSizes(3, 100, 0.01, "step"); // => [100, 100, 1]
 * ```
 */
export function longTailSizes(classes: number, maximum: number, ratio: number, form: LongTailForm = "exp"): number[] {
  const last = Math.max(1, classes - 1);
  const common = Math.ceil(classes / 2);
  return Array.from({ length: classes }, (_, c) => {
    if (form === "step") return c < common ? maximum : Math.floor(maximum * ratio + SLACK);
    return Math.floor(maximum * ratio ** (c / last) + SLACK);
  });
}

/**
 * Whether each class is in the head, the middle or the tail, by the share of all examples that is in larger classes: head
 * below 75 %, middle below 95 %. Of equally large classes the first counts as the larger.
 *
 * @param sizes examples of each class
 * @example
 * ```ts
 * import { classGroups } from "@anabranch/core";
 * classGroups([4, 80, 16]); // => ["tail", "head", "middle"]
 * ```
 */
export function classGroups(sizes: readonly number[]): ClassGroup[] {
  const total = sizes.reduce((a, b) => a + b, 0);
  const groups = new Array<ClassGroup>(sizes.length);
  let before = 0;
  for (const label of sizes.map((_, c) => c).sort((a, b) => sizes[b]! - sizes[a]! || a - b)) {
    const share = before / total;
    groups[label] = share < TAIL ? (share < MIDDLE ? "head" : "middle") : "tail";
    before += sizes[label]!;
  }
  return groups;
}
