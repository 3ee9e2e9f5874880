import { resolve } from "node:path";
import { AnabranchError, auditAttacks, type Config, configHash } from "@anabranch/core";
import { type Command, Option } from "commander";
import type { AuditOptions, AuditTarget, TargetAudit } from "../../audit/audit-config.ts";
import { type DefenceName, defenceNames } from "../../audit/variants.ts";
import { fileNameOf } from "../../store/file-name.ts";
import { findRun } from "../../store/find-run.ts";
import type { RunSummary } from "../../store/run-summary.ts";
import { auditDocument, printAudit } from "../audit-text.ts";
import { readConfigFile } from "../config-file.ts";
import { acceptsOptions, type GlobalOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { positiveCount } from "../parse.ts";
import { writeResult } from "../result-files.ts";
import { liesInRunFolder, requireTrust, type TrustOption, withTrust } from "../trust.ts";

interface Options extends TrustOption {
  readonly attack?: AuditOptions["attack"];
  readonly defences?: readonly string[];
  readonly round: number;
  readonly client?: number;
  readonly steps?: number;
  readonly batch?: number;
  readonly view?: "update" | "sum";
  readonly iterations?: number;
  readonly restarts?: number;
  readonly seed?: number;
  readonly output?: string;
  readonly force?: boolean;
}

export function addAudit(program: Command): void {
  const command = program
    .command("audit")
    .description(
      "Attack what the server of a run would see, to learn what it could reconstruct of the clients' examples. Only the data of the configuration are attacked.",
    )
    .argument("<target...>", 'configurations (TOML), or runs: ids, names, folders, or "last"')
    .addOption(new Option("--attack <name>", "one attack (default: those that fit)").choices([...auditAttacks]))
    .option("--defences [names...]", `audit the first target with each of: ${defenceNames.join(", ")} (default: all)`)
    .option("--round <n>", "round whose messages are attacked", positiveCount, 1)
    .option("--client <n>", "client whose update is attacked (default: the first of the round)", count)
    .option("--steps <n>", "audit with so many local steps instead of those configured", positiveCount)
    .option("--batch <n>", "audit with this batch size instead of the one configured", positiveCount)
    .addOption(
      new Option("--view <what>", "message that is attacked (default: all that are seen)").choices(["update", "sum"]),
    )
    .option("--iterations <n>", "iterations of searches", positiveCount)
    .option("--restarts <n>", "starts of searches; the best match of gradients counts", positiveCount)
    .option("--seed <n>", "seed of the searches", count)
    .option("-o, --output <file>", "HTML report (default: audit-<name>.html)")
    .option("-f, --force", "overwrite an existing file")
    .action(async (names: string[], options: Options, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const targets = await openTargets(names, options, globals);
      const file = resolve(options.output ?? `audit-${fileNameOf(targets.name)}.html`);
      const { auditTarget } = await import("../../audit/audit-config.ts");
      const audits: TargetAudit[] = [];
      for (const target of targets.all) {
        output.note(`Auditing ${target.defence}, ${target.protocol} ...`);
        audits.push(await auditTarget(target, auditOptions(options, globals)));
      }
      requireOutcome(audits, options);
      const { writeAuditPage } = await import("../../audit/audit-report.ts");
      await writeResult(file, Buffer.from(writeAuditPage(targets.name, audits)), options.force === true);
      if (output.json) output.document(auditDocument(targets.name, audits, file));
      else printAudit(audits, file, output);
    });
  withTrust(command);
  acceptsOptions(command, "set", "runs", "dataDir", "quiet");
  withExamples(
    command,
    ["anabranch audit first.toml", "the attacks that fit, as configured and in the worst case"],
    ["anabranch audit first.toml --defences", "the same with each defence beside the others"],
    ["anabranch audit last --attack ig --steps 1 --batch 4", "a batch of four examples in one step"],
  );
}

interface Targets {
  readonly name: string;
  readonly all: readonly AuditTarget[];
}

interface Named {
  readonly label: string;
  readonly config: Config;
  readonly run?: RunSummary | undefined;
}

async function openTargets(names: readonly string[], options: Options, globals: GlobalOptions): Promise<Targets> {
  const { withDefence, withProtocol } = await import("../../audit/variants.ts");
  const named: Named[] = [];
  for (const name of names) named.push(await openTarget(name, options, globals));
  const chosen = options.defences === undefined ? undefined : defencesOf(options.defences);
  const variants =
    chosen === undefined
      ? named
      : chosen.map((label): Named => ({ label, config: withDefence(named[0]!.config, label) }));
  const changed = options.steps !== undefined || options.batch !== undefined;
  const protocols = changed
    ? [{ text: protocolText(options), localSteps: options.steps, batchSize: options.batch }]
    : [{ text: "as configured" }, { text: "worst case: 1 step on 1 example", localSteps: 1, batchSize: 1 }];
  const all: AuditTarget[] = [];
  for (const { text, ...change } of protocols) {
    for (const { label, config, run } of variants) {
      const accuracy = run?.finalAccuracy ?? (await accuracyOf(config, globals.runs));
      const checkpoints = run === undefined || change.localSteps !== undefined ? undefined : await checkpointsOf(run);
      const more = { ...(accuracy === undefined ? {} : { accuracy }), ...(checkpoints && { checkpoints }) };
      all.push({ defence: label, protocol: text, config: withProtocol(config, change), ...more });
    }
  }
  return { name: named[0]!.config.name, all };
}

async function openTarget(name: string, options: Options, globals: GlobalOptions): Promise<Named> {
  if (name.endsWith(".toml")) {
    const config = await readConfigFile(name, globals);
    await requireTrust([config], { where: name, ask: liesInRunFolder(name) ? "all" : "none" }, options, globals);
    return { label: config.name, config };
  }
  const run = await findRun(globals.runs, name);
  const { readRunConfig } = await import("../../run/run-config.ts");
  const { requireSimulated } = await import("../../run/session.ts");
  const { openRunFolder } = await import("../../store/run-folder.ts");
  await requireSimulated(await openRunFolder(run.folder));
  const config = await readRunConfig(run.folder);
  await requireTrust([config], { where: run.folder, ask: "all" }, options, globals);
  return { label: config.name, config, run };
}

async function checkpointsOf({ folder }: RunSummary): Promise<AuditTarget["checkpoints"]> {
  const { openDiskBlobStore } = await import("../../store/disk-blob-store.ts");
  const { openRunFolder } = await import("../../store/run-folder.ts");
  const { files } = await openRunFolder(folder);
  return openDiskBlobStore(folder, files);
}

/** Test accuracy of a finished run of this configuration, whatever its name. */
async function accuracyOf(config: Config, runs: string): Promise<number | undefined> {
  const { listRuns } = await import("../../store/find-run.ts");
  const { readRunConfig } = await import("../../run/run-config.ts");
  const hash = configHash(config);
  for (const run of await listRuns(runs).catch(() => [])) {
    if (run.status !== "finished" || run.finalAccuracy === null) continue;
    const other = await readRunConfig(run.folder).catch(() => undefined);
    if (other !== undefined && configHash(other) === hash) return run.finalAccuracy;
  }
  return undefined;
}

function auditOptions(options: Options, { dataDir }: GlobalOptions): AuditOptions {
  const { attack, round, client, view, iterations, restarts, seed } = options;
  return { attack, round, client, view, iterations, restarts, seed, ...(dataDir === undefined ? {} : { dataDir }) };
}

function defencesOf(names: readonly string[] | true): readonly DefenceName[] {
  if (names === true || names.length === 0) return defenceNames;
  return names.map((name) => {
    const found = defenceNames.find((known) => known === name);
    if (found !== undefined) return found;
    throw new AnabranchError({
      code: "usage/defence",
      message: "unknown defence",
      received: name,
      expected: defenceNames.join(", "),
    });
  });
}

function protocolText({ steps, batch }: Options): string {
  const parts = [
    ...(steps === undefined ? [] : [`${steps} step${steps === 1 ? "" : "s"}`]),
    ...(batch === undefined ? [] : [`batches of ${batch}`]),
  ];
  return `changed: ${parts.join(", ")}`;
}

/** A named attack that ran on no message has failed; its first refusal says why. */
function requireOutcome(audits: readonly TargetAudit[], { attack }: Options): void {
  const rows = audits.flatMap((audit) => audit.rows);
  if (attack === undefined || rows.some(({ outcome }) => outcome !== undefined)) return;
  throw new AnabranchError(rows[0]!.refusal!);
}

function count(text: string): number {
  const value = Number(text);
  if (/^\d{1,9}$/.test(text)) return value;
  throw new AnabranchError({ code: "usage/count", message: "not an integer", received: text, expected: "0 or more" });
}
