import { AnabranchError } from "@anabranch/core";
import type { Command } from "commander";
import type { JudgedGroups } from "../../run/judge-groups.ts";
import { readRunConfig } from "../../run/run-config.ts";
import { requireSimulated } from "../../run/session.ts";
import { findRun } from "../../store/find-run.ts";
import { openRunFolder } from "../../store/run-folder.ts";
import { formatCount, formatFixed, formatPercent, formatPlural } from "../../terminal/format.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { orNull } from "../run-texts.ts";
import { table } from "../text.ts";
import { loadTrainedModel } from "../trained-model.ts";
import { requireTrust, type TrustOption, withTrust } from "../trust.ts";

interface FairnessOptions extends TrustOption {
  readonly by?: string;
  readonly best?: boolean;
}

export function addFairness(program: Command): void {
  const command = program
    .command("fairness")
    .description(
      "Show how the model of a run serves groups of the test examples: accuracy by group, and accuracy against disparity beside the limit of every model (AGLFOP).",
    )
    .argument("<run>", 'id or its first characters, name, folder, or "last"')
    .option("--by <column>", "column of names whose categories are the groups (default: the owners of the examples)")
    .option("--best", "judge the best evaluated model instead of the latest")
    .action(async (name: string, options: FairnessOptions, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const run = await findRun(globals.runs, name);
      await requireSimulated(await openRunFolder(run.folder));
      const config = await readRunConfig(run.folder);
      requireOneModel(config.baseline === "local-only" || config.topology.name !== "none", run.folder);
      await requireTrust([config], { where: run.folder, ask: "all" }, options, globals);
      const best = options.best === true;
      const { checkpoint, shared } = await loadTrainedModel(run.folder, best);
      const { judgeGroups } = await import("../../run/judge-groups.ts");
      const judged = await judgeGroups(run.folder, shared, { by: options.by, dataDir: globals.dataDir });
      if (output.json) output.document({ run: run.id, round: checkpoint.round, best, ...document(judged) });
      else print(`${run.name}  run ${run.id}, model after round ${checkpoint.round}`, judged, output);
    });
  withTrust(command);
  acceptsOptions(command, "runs", "dataDir", "quiet");
  withExamples(
    command,
    ["anabranch fairness last --by sex", "groups by a column of the table"],
    ["anabranch fairness k3x --best", "groups by owner, such as hospitals, of the best model"],
  );
}

/** @throws `fairness/several-models` */
function requireOneModel(several: boolean, folder: string): void {
  if (!several) return;
  throw new AnabranchError({
    code: "fairness/several-models",
    message: "this run has a model for every client, and none for all",
    where: folder,
    expected: "a run with one global model",
  });
}

function document({ groups, groupNames, limits, disparity, ...rest }: JudgedGroups) {
  return {
    ...rest,
    groups: groups.map(({ examples, accuracy, predicted, recall }, i) => ({
      ...{ name: groupNames[i]!, examples, accuracy: orNull(accuracy) },
      ...{ predicted: predicted.map(orNull), recall: recall.map(orNull) },
    })),
    disparity,
    limits: limits ?? null,
  };
}

function print(title: string, judged: JudgedGroups, output: Output): void {
  const { bold } = output.colours;
  const { by, clients, examples, disparity, limits, accuracy } = judged;
  const { global, local, unique, redundant, masked } = disparity;
  const bits = (value: number) => `${formatFixed(value)} bits`;
  output.print(
    `${bold(title)}, accuracy ${formatPercent(accuracy)} on ${formatPlural(examples, "test example")}`,
    "",
    groupTable(judged, output.width),
    "",
    bold("Disparity: what predictions reveal of the group"),
    table(
      [{ head: "measure" }, { head: "value", right: true }],
      [
        ["global", bits(global)],
        [`local (within ${formatPlural(clients, "client")})`, bits(local)],
        ["unique", bits(unique)],
        ["redundant with the client", bits(redundant)],
        ["masked by the client", bits(masked)],
      ],
      output.width,
    ),
    "",
  );
  if (limits === undefined) {
    output.print(`The limit is not computed: ${by} and the clients have too many values.`);
    return;
  }
  output.print(
    bold("Highest accuracy that any model can have at a disparity"),
    table(
      ["share", "global", "local", "limit"].map((head) => ({ head, right: true })),
      limits.map((point) => [
        formatPercent(global > 0 ? point.global / global : local > 0 ? point.local / local : 1, 0),
        bits(point.global),
        bits(point.local),
        formatPercent(point.accuracy),
      ]),
      output.width,
    ),
    "",
    `Share: of the model's own disparity. At 100 % this model has ${formatPercent(accuracy)}.`,
  );
}

function groupTable({ by, groups, groupNames, classNames }: JudgedGroups, width: number): string[] {
  const isBinary = classNames.length === 2;
  const positive = classNames[1]!;
  const columns = [
    { head: by },
    ...["examples", "accuracy", ...(isBinary ? [`predicted ${positive}`, `right of ${positive}`] : [])].map((head) => ({
      head,
      right: true,
    })),
  ];
  const rows = groups.map(({ examples, accuracy, predicted, recall }, i) => [
    groupNames[i]!,
    formatCount(examples),
    formatPercent(accuracy),
    ...(isBinary ? [formatPercent(predicted[1]!), formatPercent(recall[1]!)] : []),
  ]);
  return table(columns, rows, width);
}
