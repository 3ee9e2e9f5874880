import { type AuditEntry, auditPage } from "../report/audit-page.ts";
import { formatCount } from "../terminal/format.ts";
import type { AuditRow, TargetAudit } from "./audit-config.ts";

/** Whose data were attacked. */
export function consentText(audits: readonly TargetAudit[]): string {
  const datasets = [...new Set(audits.map(({ dataset }) => dataset))].join(", ");
  return `Attacked the simulated clients' examples of ${datasets}, which the configuration names. Nothing was sent anywhere.`;
}

/** Who sees a message, and what it is. */
export function viewText({ observer, kind, clients }: AuditRow["observation"]): string {
  const what =
    kind === "update" ? "one update" : `sum of ${formatCount(clients.length)} client${clients.length === 1 ? "" : "s"}`;
  return `${observer}, ${what}`;
}

/** The page of an audit. */
export function writeAuditPage(name: string, audits: readonly TargetAudit[]): string {
  const { model } = audits[0]!;
  const { shape } = model.features;
  const [height, width] = shape.slice(-2);
  const size = shape.reduce((a, b) => a * b, 1);
  const channels = shape.length < 2 ? 0 : size / (height! * width!);
  const accuracies = [...Map.groupBy(audits, ({ target }) => target.defence)].map(([defence, of]) => ({
    defence,
    accuracy: of.find(({ target }) => target.accuracy !== undefined)?.target.accuracy,
  }));
  return auditPage({
    name: `Gradient inversion audit of ${name}`,
    consent: consentText(audits),
    assumptions: assumptionsOf(audits),
    entries: audits.flatMap(({ rows }) => rows.map(entryOf)),
    accuracies: accuracies.some(({ accuracy }) => accuracy !== undefined) ? accuracies : [],
    advice: audits[0]!.advice,
    image: channels === 1 || channels === 3 ? { height: height!, width: width! } : undefined,
  });
}

function entryOf({ target, observation, attack, outcome, refusal, seconds }: AuditRow): AuditEntry {
  return {
    defence: target.defence,
    protocol: target.protocol,
    view: viewText(observation),
    attack,
    examples: observation.assumptions.examples,
    labels: outcome?.labelAccuracy,
    psnr: outcome?.meanPsnr,
    bestPsnr: outcome?.bestPsnr,
    ssim: outcome?.meanSsim,
    hits: outcome?.hits,
    seconds,
    refusal: refusal?.message,
    pairs: outcome?.pairs ?? [],
  };
}

function assumptionsOf(audits: readonly TargetAudit[]): string[] {
  const protocols = audits.flatMap(({ target, rows }) => {
    const known = rows[0]?.observation.assumptions;
    if (known === undefined) return [];
    const { examples, batchSize, localSteps, learningRate } = known;
    return [
      `${target.protocol}, ${target.defence}: ${examples} examples, batches of ${batchSize}, ${localSteps} local steps at rate ${learningRate}`,
    ];
  });
  return [
    "the model that was sent, and the message as the server decodes it",
    "the number of examples, the batch size, the local steps and their rate",
    "that clients take plain gradient steps; labels are recovered by the attack, never given",
    "whether entries were dropped by compression",
    ...new Set(protocols),
  ];
}
