import { VERSION } from "@anabranch/core";
import { Command } from "commander";
import { addAudit } from "./commands/audit.ts";
import { addBaselines } from "./commands/baselines.ts";
import { addCheck } from "./commands/check.ts";
import { addCite } from "./commands/cite.ts";
import { addCompare } from "./commands/compare.ts";
import { addCompletion } from "./commands/completion.ts";
import { addDashboard } from "./commands/dashboard.ts";
import { addDatasets } from "./commands/datasets.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addExport } from "./commands/export.ts";
import { addFairness } from "./commands/fairness.ts";
import { addJoin } from "./commands/join.ts";
import { addList } from "./commands/list.ts";
import { addLog } from "./commands/log.ts";
import { addMethods } from "./commands/methods.ts";
import { addModels } from "./commands/models.ts";
import { addNew } from "./commands/new.ts";
import { addPrivacy } from "./commands/privacy.ts";
import { addRemote } from "./commands/remote.ts";
import { addResume } from "./commands/resume.ts";
import { addRm } from "./commands/rm.ts";
import { addRun } from "./commands/run.ts";
import { addServe } from "./commands/serve.ts";
import { addShow } from "./commands/show.ts";
import { addSweep } from "./commands/sweep.ts";
import { addTag } from "./commands/tag.ts";
import { addTokens } from "./commands/tokens.ts";
import { exitCodeLines } from "./exit-codes.ts";
import { globalOptions, visibleGlobals } from "./globals.ts";
import { startUpEnded } from "./start-up.ts";

/** Commands that listen for Ctrl-C once they have loaded what they need. */
const LISTENING = new Set(["run", "resume", "sweep", "serve", "join"]);

/** The `anabranch` command. Mistakes on the command line are thrown as CommanderErrors, nothing is printed for them. */
export function createProgram(): Command {
  const program = new Command("anabranch")
    .description("Simulate federated learning, inspect runs and compare methods.")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ showGlobalOptions: true, visibleGlobalOptions: visibleGlobals });
  for (const option of globalOptions()) program.addOption(option);
  program.hook("preAction", (_program, command) => {
    if (!LISTENING.has(command.name())) startUpEnded();
  });
  addNew(program);
  addRun(program);
  addResume(program);
  addServe(program);
  addRemote(program);
  addTokens(program);
  addList(program);
  addShow(program);
  addTag(program);
  addRm(program);
  addCompare(program);
  addDashboard(program);
  addSweep(program);
  addBaselines(program);
  addFairness(program);
  addAudit(program);
  addExport(program);
  addLog(program);
  addMethods(program);
  addCheck(program);
  addModels(program);
  addDatasets(program);
  addPrivacy(program);
  addCite(program);
  addJoin(program);
  addDoctor(program);
  addCompletion(program);
  program.addHelpText(
    "after",
    [
      "",
      "First steps:",
      "  anabranch doctor              check this machine",
      "  anabranch new first.toml      write a commented configuration",
      "  anabranch run first.toml      train",
      "  anabranch show last           show the latest run",
      "",
      "Exit codes:",
      ...exitCodeLines.map((line) => `  ${line}`),
    ].join("\n"),
  );
  return program;
}
