import { VERSION } from "@anabranch/core";
import { Command } from "commander";
import { exitCodeLines } from "./exit-codes.ts";
import { globalOptions, visibleGlobals } from "./globals.ts";
import { startUpEnded } from "./start-up.ts";

/** Every command in the order of the help, with the module that adds it. */
const COMMANDS = {
  new: async () => (await import("./commands/new.ts")).addNew,
  run: async () => (await import("./commands/run.ts")).addRun,
  resume: async () => (await import("./commands/resume.ts")).addResume,
  serve: async () => (await import("./commands/serve.ts")).addServe,
  status: async () => (await import("./commands/remote.ts")).addRemote,
  pause: async () => (await import("./commands/remote.ts")).addRemote,
  stop: async () => (await import("./commands/remote.ts")).addRemote,
  tokens: async () => (await import("./commands/tokens.ts")).addTokens,
  list: async () => (await import("./commands/list.ts")).addList,
  show: async () => (await import("./commands/show.ts")).addShow,
  tag: async () => (await import("./commands/tag.ts")).addTag,
  rm: async () => (await import("./commands/rm.ts")).addRm,
  compare: async () => (await import("./commands/compare.ts")).addCompare,
  dashboard: async () => (await import("./commands/dashboard.ts")).addDashboard,
  sweep: async () => (await import("./commands/sweep.ts")).addSweep,
  centralized: async () => (await import("./commands/baselines.ts")).addBaselines,
  "local-only": async () => (await import("./commands/baselines.ts")).addBaselines,
  "public-only": async () => (await import("./commands/baselines.ts")).addBaselines,
  fairness: async () => (await import("./commands/fairness.ts")).addFairness,
  audit: async () => (await import("./commands/audit.ts")).addAudit,
  explain: async () => (await import("./commands/explain.ts")).addExplain,
  export: async () => (await import("./commands/export.ts")).addExport,
  compress: async () => (await import("./commands/compress.ts")).addCompress,
  log: async () => (await import("./commands/log.ts")).addLog,
  methods: async () => (await import("./commands/methods.ts")).addMethods,
  check: async () => (await import("./commands/check.ts")).addCheck,
  models: async () => (await import("./commands/models.ts")).addModels,
  datasets: async () => (await import("./commands/datasets.ts")).addDatasets,
  privacy: async () => (await import("./commands/privacy.ts")).addPrivacy,
  cite: async () => (await import("./commands/cite.ts")).addCite,
  join: async () => (await import("./commands/join.ts")).addJoin,
  doctor: async () => (await import("./commands/doctor.ts")).addDoctor,
  completion: async () => (await import("./commands/completion.ts")).addCompletion,
} satisfies Record<string, () => Promise<(program: Command) => void>>;

/** Commands that listen for Ctrl-C once they have loaded what they need. */
const LISTENING = new Set(["run", "resume", "sweep", "serve", "join"]);

/**
 * The `anabranch` command. Mistakes on the command line are thrown as CommanderErrors, nothing is printed for them.
 *
 * @param argv a command line whose commands are enough: to load all of them takes longer. By default the program has all.
 */
export async function createProgram(argv: readonly string[] = []): Promise<Command> {
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
  const added = await Promise.all(namesFor(argv).map((name) => COMMANDS[name]()));
  for (const add of new Set(added)) add(program);
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

/** The commands that a command line names; all where it is not clear, or where all are described. */
function namesFor(argv: readonly string[]): readonly (keyof typeof COMMANDS)[] {
  const all = Object.keys(COMMANDS) as (keyof typeof COMMANDS)[];
  const first = argv.find((word) => !word.startsWith("-"));
  const isClear = first !== "completion" && all.some((name) => name === first);
  return isClear ? all.filter((name) => argv.includes(name)) : all;
}
