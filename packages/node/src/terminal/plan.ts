import type { RunStarted } from "../report/events.ts";
import type { Colours } from "./colours.ts";
import { asynchronousText, formatCount, parametersText, topologyText } from "./format.ts";

/** What is about to be trained, as the lines of a small table. */
export function renderPlan(start: RunStarted, colours: Colours): string[] {
  const share = start.cohort / start.clients;
  // the expected cohort of a Poisson sampler may be a fraction
  const size = start.cohort < 10 ? String(Number(start.cohort.toPrecision(3))) : formatCount(start.cohort);
  const percent = `${Number((100 * share).toPrecision(2))} %`;
  const cohort = Number.isFinite(share) ? `cohort ${size} per round (${percent})` : "";
  const { asynchronous } = start;
  const work = asynchronous === undefined ? cohort : asynchronousText(asynchronous);
  const { name, version, fingerprint } = start.executor;
  const rows: [string, string][] = [
    ["algorithm", start.algorithm],
    ["model", withNote(start.model, parametersText(start))],
    ["data", start.dataset],
    ["clients", [Number.isFinite(start.clients) ? formatCount(start.clients) : "", work].filter(Boolean).join(", ")],
    ["topology", start.topology === undefined ? "" : topologyText(start.topology)],
    ["rounds", Number.isFinite(start.rounds) ? formatCount(start.rounds) : ""],
    ["privacy", start.privacy ?? ""],
    ["assumed", (start.privacyAssumptions ?? []).join("; ")],
    ["adapters", start.adapters ?? ""],
    ["uploads", start.compression ?? ""],
    ["sums", start.secureAggregation ?? ""],
    ["executor", withNote(`${name} ${version}`.trim(), fingerprint.slice(0, 12))],
    ["workers", Number.isFinite(start.workers) ? formatCount(start.workers) : ""],
    ["seed", Number.isFinite(start.seed) ? String(start.seed) : ""],
    ["run", start.run],
    ["resumed", start.resumedFrom === undefined ? "" : `after round ${start.resumedFrom}`],
  ];
  const known = rows.filter(([, value]) => value !== "");
  const width = Math.max(...known.map(([label]) => label.length));
  const lines = known.map(([label, value]) => `  ${colours.dim(label.padEnd(width))}  ${value}`);
  return [colours.bold(start.name || start.run || "run"), ...lines];
}

function withNote(text: string, note: string): string {
  return note === "" ? text : `${text} (${note})`.trim();
}
