import { formatPercent } from "../terminal/format.ts";
import { baselineName } from "./baselines.ts";
import { type Html, html } from "./html.ts";
import { section, table } from "./page.ts";
import type { RunData } from "./run-data.ts";
import { summarise } from "./summary.ts";

/** The baselines of a run beside it. Bottom decile: the mean of the tenth of the clients with the lowest accuracy. */
export function baselineSection(run: RunData, baselines: readonly RunData[]): Html[] {
  if (baselines.length === 0) return [];
  const rows = [run, ...baselines].map((one) => {
    const evaluation = one.evaluations.at(-1);
    const clients = one.clientEvaluations.at(-1);
    const values = [
      summarise(one).accuracy,
      evaluation?.worstDecile ?? Number.NaN,
      clients?.mean ?? Number.NaN,
      clients?.worstDecile ?? Number.NaN,
    ];
    return {
      cells: [one === run ? "this run" : baselineName(one), ...values.map((value) => formatPercent(value)), one.id],
    };
  });
  const heads = ["run", "accuracy", "bottom decile", "on hold-outs", "bottom decile on hold-outs", "id"];
  return [
    section("Baselines", [
      table(heads, rows, [0, 5]),
      html`<ul class="notes">
<li>Centralized: one client has the examples of all, and takes the same number of gradient steps. Local-only: each client trains alone; accuracies are means over the clients' own models.</li>
<li>Baselines are not private, and exchange nothing.</li>
</ul>`,
    ]),
  ];
}
