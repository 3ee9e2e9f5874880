import type { AuditRow, TargetAudit } from "../audit/audit-config.ts";
import { consentText, viewText } from "../audit/audit-report.ts";
import { formatPercent } from "../terminal/format.ts";
import type { Output } from "./output.ts";
import { orNull } from "./run-texts.ts";
import { table } from "./text.ts";

/** The answer of `audit --json`. */
export function auditDocument(name: string, audits: readonly TargetAudit[], report: string) {
  return {
    name,
    dataset: audits[0]!.dataset,
    rows: audits.flatMap(({ rows }) => rows.map(rowDocument)),
    accuracies: audits.map(({ target }) => ({ defence: target.defence, accuracy: orNull(target.accuracy) })),
    advice: audits.map(({ target, advice }) => ({ defence: target.defence, protocol: target.protocol, advice })),
    report,
  };
}

function rowDocument({ target, observation, attack, outcome, refusal, seconds }: AuditRow) {
  return {
    ...{ defence: target.defence, protocol: target.protocol, attack },
    ...{ observer: observation.observer, message: observation.kind, round: observation.round },
    ...{ clients: observation.clients, assumptions: observation.assumptions },
    labelAccuracy: orNull(outcome?.labelAccuracy),
    labels: outcome?.labels ?? null,
    meanPsnr: orNull(outcome?.meanPsnr),
    bestPsnr: orNull(outcome?.bestPsnr),
    meanSsim: orNull(outcome?.meanSsim),
    found: orNull(outcome?.hits),
    loss: orNull(outcome?.loss),
    refusal: refusal === undefined ? null : { code: refusal.code, message: refusal.message },
    seconds,
  };
}

export function printAudit(audits: readonly TargetAudit[], report: string, output: Output): void {
  const { bold } = output.colours;
  output.print(consentText(audits));
  const protocols = Map.groupBy(audits, ({ target }) => target.protocol);
  for (const [protocol, of] of protocols) {
    const lines = table(
      COLUMNS,
      of.flatMap(({ rows }) => rows.map(cells)),
      output.width,
    );
    output.print(
      "",
      bold(capital(protocol)),
      lines.map((line) => `  ${line}`),
    );
    const refused = of.flatMap(({ rows }) => rows.flatMap((row) => (row.refusal === undefined ? [] : [noteOf(row)])));
    output.print([...new Set(refused)].map((note) => `  ${note}`));
  }
  const risks = audits[0]!.advice.filter(({ kind }) => kind === "risk");
  if (risks.length > 0)
    output.print(
      "",
      bold("Advice"),
      risks.map(({ text }) => `  ${text}`),
    );
  output.print("", `Report: ${report}`);
}

const COLUMNS = [
  { head: "defence" },
  { head: "seen by" },
  { head: "attack" },
  ...["examples", "labels", "PSNR", "SSIM", "found", "time"].map((head) => ({ head, right: true })),
];

function cells({ target, observation, attack, outcome, seconds }: AuditRow): string[] {
  const number = (value: number | undefined, format: (value: number) => string) =>
    value === undefined || Number.isNaN(value) ? "-" : format(value);
  return [
    target.defence,
    viewText(observation),
    attack,
    String(observation.assumptions.examples),
    number(outcome?.labelAccuracy, (value) => formatPercent(value)),
    number(outcome?.meanPsnr, (value) => `${value.toFixed(1)} dB`),
    number(outcome?.meanSsim, (value) => value.toFixed(2)),
    number(outcome?.hits, (value) => formatPercent(value)),
    outcome === undefined ? "not run" : `${seconds.toFixed(1)} s`,
  ];
}

function noteOf({ attack, refusal }: AuditRow): string {
  return `${attack}: ${refusal!.message} (${refusal!.received ?? "-"}; expected ${refusal!.expected ?? "-"}).`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
