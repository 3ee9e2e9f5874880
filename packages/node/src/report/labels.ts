import { printable } from "@anabranch/core";
import type { RunData } from "./run-data.ts";

const MAX_LENGTH = 32;

/**
 * A short distinct label for each run: its name; where names repeat, with the algorithm or the seed; where
 * those repeat too, the run id; and a number as the last resort.
 */
export function runLabels(runs: readonly RunData[]): string[] {
  const forms: ((run: RunData) => string)[] = [
    (run) => run.name,
    (run) => `${run.name} (${run.start?.algorithm ?? "?"})`,
    (run) => `${run.name}, seed ${run.start?.seed ?? "?"}`,
    (run) => run.id,
  ];
  const tables = forms.map((form) => runs.map((run) => shorten(form(run))));
  return runs.map((_, index) => {
    const table = tables.find((labels) => labels.filter((label) => label === labels[index]).length === 1);
    return table?.[index] ?? `${shorten(runs[index]?.name ?? "run")} #${index + 1}`;
  });
}

function shorten(label: string): string {
  const characters = [...printable(label)];
  return characters.length <= MAX_LENGTH ? characters.join("") : `${characters.slice(0, MAX_LENGTH - 1).join("")}…`;
}
