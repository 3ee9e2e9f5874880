import type { SweepPlan } from "../sweep/plan.ts";
import { formatCount, formatPlural, formatSeconds } from "../terminal/format.ts";
import { table } from "./text.ts";

/** A plan as lines: what each variant takes, the total in hours, and how it was measured. */
export function planLines({ variants, seconds, jobs }: SweepPlan, width: number): string[] {
  const tuned = variants.some(({ tuningRuns }) => tuningRuns > 0);
  const heads = ["runs", ...(tuned ? ["tuning"] : []), "complete", "round", "evaluation", "time left"];
  const rows = variants.map((variant) => [
    variant.variant,
    formatCount(variant.runs),
    ...(tuned ? [formatCount(variant.tuningRuns)] : []),
    formatCount(variant.complete),
    formatSeconds(variant.cost.round),
    formatSeconds(variant.cost.evaluation),
    formatSeconds(variant.seconds),
  ]);
  const total = (key: "runs" | "tuningRuns" | "complete") => variants.reduce((sum, variant) => sum + variant[key], 0);
  const all = total("runs") + total("tuningRuns");
  const pace = jobs === 1 ? "one run at a time" : `${jobs} runs at a time`;
  return [
    ...table([{ head: "variant" }, ...heads.map((head) => ({ head, right: true }))], rows, width),
    "",
    `${formatPlural(all, "run")}, ${formatCount(total("complete"))} complete; about ${hours(seconds)} for the others, ${pace}.`,
    "Measured on two rounds and one evaluation of each variant at its first grid point. Nothing was written.",
  ];
}

function hours(seconds: number): string {
  return seconds < 3600 ? formatSeconds(seconds) : `${(seconds / 3600).toFixed(1)} hours`;
}
