import { formatPercent, formatPlural } from "../terminal/format.ts";
import type { ClientEvaluation } from "./events.ts";
import { clientNames, groupFailures } from "./failure-groups.ts";
import { type Html, html } from "./html.ts";
import { card, keepUnits, table } from "./page.ts";
import type { RunData } from "./run-data.ts";

const SERVED_WORST = 5;
const MAX_FAILURES = 20;

/** The last per-client evaluation in numbers: its quantiles, and the clients that the model serves worst. */
export function clientCard(run: RunData): Html[] {
  const last = run.clientEvaluations.at(-1);
  if (last === undefined || last.accuracies.length === 0) return [];
  return [
    card(`Accuracy over clients at round ${last.round}`, [
      quantiles(last),
      html`<p>Lowest accuracy: ${keepUnits(servedWorst(run, last).join("; "))}.</p>`,
    ]),
  ];
}

function quantiles(last: ClientEvaluation): Html {
  const sorted = last.accuracies.filter(Number.isFinite).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  const rows: [string, number][] = [
    ["best client", last.best],
    ["upper quartile", at(0.75)],
    ["median", at(0.5)],
    ["mean", last.mean],
    ["lower quartile", at(0.25)],
    ["bottom decile (mean)", last.worstDecile],
    ["worst client", at(0)],
  ];
  return table(
    [formatPlural(sorted.length, "client"), "accuracy"],
    rows.map(([name, value]) => ({ cells: [name, formatPercent(value)] })),
  );
}

function servedWorst(run: RunData, last: ClientEvaluation): string[] {
  const clients = last.accuracies.map((accuracy, index) => ({ accuracy, client: last.clients[index] ?? index }));
  const ranked = clients.filter(({ accuracy }) => Number.isFinite(accuracy)).sort((a, b) => a.accuracy - b.accuracy);
  return ranked.slice(0, SERVED_WORST).map(({ client, accuracy }) => {
    const counts = run.partition?.counts[client];
    const held = counts === undefined ? "" : `, ${counts.filter((count) => count > 0).length} classes`;
    const name = run.partition?.clientNames?.[client];
    return `client ${client}${name === undefined ? "" : ` ${name}`} (${formatPercent(accuracy, 1)}${held})`;
  });
}

/** Clients that failed, grouped by round and code: the first groups, and how many there are in all. */
export function failureTable(run: RunData): Html[] {
  if (run.failures.length === 0) return [];
  const groups = groupFailures(run.failures);
  const shown = groups.slice(0, MAX_FAILURES);
  const clients = new Set(run.failures.map((failure) => failure.client)).size;
  const rest = groups.length - shown.length;
  return [
    html`<p>${formatPlural(run.failures.length, "failure")} of ${formatPlural(clients, "client")}; a client that failed is left out of its round's average.</p>`,
    table(
      ["round", "failed", "clients", "what happened", "code", "tried again"],
      shown.map(({ round, clients, reason, code, retried }) => ({
        cells: [
          String(round),
          String(clients.length),
          clientNames(clients),
          reason,
          code,
          retried === 0 ? "no" : `${retried} of ${clients.length}`,
        ],
      })),
      [0, 2, 3, 4, 5],
    ),
    ...(rest > 0
      ? [html`<p>${formatPlural(rest, "more row")} in events.jsonl, which has every failure in full.</p>`]
      : []),
  ];
}
