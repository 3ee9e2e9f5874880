import { formatPercent } from "../terminal/format.ts";
import type { EvaluationEvent } from "./events.ts";

const KEYS = ["worst", "head", "middle", "tail"] as const;

/** Accuracies by class in words, such as "worst 12.5 %, head 91.0 %, middle 70.2 %, tail 33.3 %"; empty where there are none. */
export function classesText(classes: EvaluationEvent["classes"]): string {
  if (classes === undefined) return "";
  return KEYS.flatMap((key) =>
    classes[key] === undefined ? [] : [`${key} ${formatPercent(classes[key] ?? Number.NaN, 1)}`],
  ).join(", ");
}
