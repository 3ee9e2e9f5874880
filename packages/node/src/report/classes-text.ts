import { formatPercent } from "../terminal/format.ts";
import type { EvaluationEvent } from "./events.ts";
import type { RunData } from "./run-data.ts";

const KEYS = ["worst", "head", "middle", "tail"] as const;

/** Accuracies by class in words, such as "worst 12.5 %, head 91.0 %, middle 70.2 %, tail 33.3 %"; empty where there are none. */
export function classesText(classes: EvaluationEvent["classes"]): string {
  if (classes === undefined) return "";
  return KEYS.flatMap((key) =>
    classes[key] === undefined ? [] : [`${key} ${formatPercent(classes[key] ?? Number.NaN, 1)}`],
  ).join(", ");
}

/** Accuracies with and without labels, such as "labelled 86.4 %, others 66.5 % (clustering)"; empty where there are none. */
export function openWorldText(openWorld: EvaluationEvent["openWorld"]): string {
  if (openWorld === undefined) return "";
  const { seen, unseen } = openWorld;
  return `labelled ${formatPercent(seen ?? Number.NaN, 1)}, others ${formatPercent(unseen ?? Number.NaN, 1)} (clustering)`;
}

/** Names of the rows: of the test set, and of global, personal and adapted models on the clients' hold-outs. */
type RowNames = readonly [test: string, holdouts: string, personal: string, adapted: string];

/** The last accuracies by class, where they are known. */
export function classRows({ evaluations, clientEvaluations }: RunData, names: RowNames): [string, string][] {
  const clients = clientEvaluations.at(-1);
  const classes = [
    evaluations.at(-1)?.classes,
    clients?.classes,
    clients?.personal?.classes,
    clients?.adapted?.classes,
  ];
  const openWorld: [string, string] = ["unlabelled", openWorldText(evaluations.at(-1)?.openWorld)];
  const rows = [openWorld, ...classes.map((each, i): [string, string] => [names[i]!, classesText(each)])];
  return rows.filter(([, text]) => text !== "");
}
