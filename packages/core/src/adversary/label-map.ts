import { AnabranchError } from "@anabranch/engine";

/** Which label stands for which: "mirror" C - 1 - y, "next" (y + 1) mod C, or one class for another. */
export type LabelMap = "mirror" | "next" | { readonly from: number; readonly to: number };

/**
 * The false label of a true one. Throws `attack/label` for a class that there is not.
 *
 * @param classes C, number of classes
 * @example flippedLabel(3, 10, "mirror") // 6
 */
export function flippedLabel(label: number, classes: number, map: LabelMap): number {
  if (map === "mirror") return classes - 1 - label;
  if (map === "next") return (label + 1) % classes;
  requireClass(map.from, classes, "attack.from");
  requireClass(map.to, classes, "attack.to");
  return label === map.from ? map.to : label;
}

/** Refuses a label that is no class. */
export function requireClass(label: number, classes: number, where: string): void {
  if (Number.isInteger(label) && label >= 0 && label < classes) return;
  const nearest = label < 0 ? 0 : classes - 1;
  throw new AnabranchError({
    code: "attack/label",
    message: "the data have no such class",
    where,
    received: String(label),
    expected: `a class from 0 to ${classes - 1}`,
    advice: `The nearest class is ${nearest}.`,
  });
}
