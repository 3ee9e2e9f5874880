import { formatPercent } from "../terminal/format.ts";
import type { EvaluationEvent } from "./events.ts";
import { type Html, html } from "./html.ts";
import { card, table } from "./page.ts";
import type { RunData } from "./run-data.ts";

const percent = (value: number | null | undefined) => formatPercent(value ?? Number.NaN, 1);

/** What a model does on the tasks so far, such as "mean 72.0 %, forgetting 9.5 %"; empty where there is no stream of tasks. */
export function tasksText(tasks: EvaluationEvent["tasks"]): string {
  if (tasks === undefined) return "";
  const { mean, forgetting } = tasks;
  return `mean ${percent(mean)}${forgetting === undefined ? "" : `, forgetting ${percent(forgetting)}`}`;
}

/** The accuracy matrix: a row for the end of each task, a column for each task; nothing where there is no stream. */
export function tasksCard({ evaluations }: Pick<RunData, "evaluations">): Html[] {
  const last = evaluations.at(-1)?.tasks;
  if (last === undefined) return [];
  const ends = evaluations.filter(
    ({ tasks }, i) => tasks !== undefined && tasks.accuracies.length !== evaluations[i + 1]?.tasks?.accuracies.length,
  );
  const columns = last.accuracies.map((_, task) => `task ${task + 1}`);
  const rows = ends.map(({ round, tasks }) => ({
    cells: [
      String(round),
      ...columns.map((_, task) => (tasks!.accuracies[task] === undefined ? "" : percent(tasks!.accuracies[task]))),
    ],
  }));
  return [
    card("Accuracy by task", [
      html`<p>After the last round: ${tasksText(last)}. Forgetting is what the accuracy on earlier tasks has lost since each was learned.</p>`,
      table(["after round", ...columns], rows),
    ]),
  ];
}
