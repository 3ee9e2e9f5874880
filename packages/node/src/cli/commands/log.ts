import { dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { mlflowFiles } from "../../log/mlflow.ts";
import { type RunSeries, runSeries } from "../../log/run-series.ts";
import { seriesCsv, seriesJson } from "../../log/table.ts";
import { tensorboardFile } from "../../log/tensorboard.ts";
import { readRunFolder } from "../../report/run-data.ts";
import { fileNameOf } from "../../store/file-name.ts";
import { replaceFile, storageError } from "../../store/file-system.ts";
import { findRun } from "../../store/find-run.ts";
import { formatPlural } from "../../terminal/format.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { openNamedFolder } from "../result-files.ts";

/** A format: the folder that it is written to by default, and what opens it. */
interface LogFormat {
  readonly folder: string;
  readonly open: string;
  files(
    run: RunSeries,
    experiment: string,
  ): readonly { readonly path: string; readonly contents: string | Uint8Array }[];
}

const FORMATS = {
  tensorboard: {
    folder: "tensorboard",
    open: "Open it with: tensorboard --logdir FOLDER",
    files(run) {
      const { name, bytes } = tensorboardFile(run);
      return [{ path: `${fileNameOf(run.name, run.id)}/${name}`, contents: bytes }];
    },
  },
  mlflow: {
    folder: "mlruns",
    open: "Open it with: mlflow ui --backend-store-uri FOLDER",
    files: mlflowFiles,
  },
  csv: {
    folder: "logs",
    open: "A row for each metric and round.",
    files: (run) => [{ path: `${fileNameOf(run.name, run.id)}.csv`, contents: seriesCsv(run) }],
  },
  json: {
    folder: "logs",
    open: "Parameters, tags and the values of each metric.",
    files: (run) => [{ path: `${fileNameOf(run.name, run.id)}.json`, contents: seriesJson(run) }],
  },
} as const satisfies Record<string, LogFormat>;

interface LogOptions {
  readonly to: keyof typeof FORMATS;
  readonly output?: string;
  readonly experiment: string;
}

export function addLog(program: Command): void {
  const command = program
    .command("log")
    .description(
      "Write the metrics and the configuration of runs in the format of another program, without network or account. Repeat it to bring the files up to date.",
    )
    .argument("<runs...>", 'ids, names or folders of runs, or "last"')
    .addOption(new Option("--to <format>", "format").choices(Object.keys(FORMATS)).makeOptionMandatory())
    .option("-o, --output <folder>", "folder to write to (default: tensorboard, mlruns or logs in this folder)")
    .option("--experiment <name>", "experiment that the runs belong to (mlflow)", "anabranch")
    .action(async (names: string[], options: LogOptions, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const format: LogFormat = FORMATS[options.to];
      const target = await openNamedFolder(options.output ?? format.folder);
      const written: string[] = [];
      for (const name of names) {
        const run = runSeries(readRunFolder((await findRun(globals.runs, name)).folder));
        for (const { path, contents } of format.files(run, options.experiment)) {
          const file = join(target.folder, path);
          try {
            await target.files.makeFolder(dirname(file));
            await replaceFile(target.files, file, Buffer.from(contents));
          } catch (error) {
            throw storageError(error, { what: "the log", path: file });
          }
          written.push(path);
        }
      }
      if (output.json) output.document({ format: options.to, folder: target.folder, files: written });
      else {
        output.print(
          `Wrote ${formatPlural(names.length, "run")} to ${target.folder} (${formatPlural(written.length, "file")}).`,
        );
        output.note(format.open.replace("FOLDER", target.folder));
      }
    });
  acceptsOptions(command, "runs", "quiet");
  withExamples(
    command,
    ["anabranch log last --to tensorboard", "event files in ./tensorboard"],
    ["anabranch log fedavg scaffold --to mlflow --experiment sam", "two runs in MLflow's file store, ./mlruns"],
    ["anabranch log k3x --to csv -o logs", "all metrics as a table in long form"],
  );
}
