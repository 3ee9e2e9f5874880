import { resolve } from "node:path";
import { AnabranchError } from "@anabranch/core";
import { type Command, Option } from "commander";
import { fileNameOf } from "../../store/file-name.ts";
import { findRun } from "../../store/find-run.ts";
import type { RunSummary } from "../../store/run-summary.ts";
import { formatBytes } from "../../terminal/format.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { writeResult } from "../result-files.ts";
import { loadTrainedModel, type TrainedModel, trainedOnnx } from "../trained-model.ts";

interface ExportOptions {
  readonly onnx?: boolean;
  readonly safetensors?: boolean;
  readonly best?: boolean;
  readonly output?: string;
  readonly force?: boolean;
}

type Format = "onnx" | "safetensors";

export function addExport(program: Command): void {
  const command = program
    .command("export")
    .description("Export the model of a run to a file for other programs.")
    .argument("<run>", 'id or its first characters, name, folder, or "last"')
    .addOption(
      new Option("--onnx", "export an ONNX inference graph (features in, logits out)").conflicts("safetensors"),
    )
    .option("--safetensors", "export the named parameters as safetensors")
    .option("--best", "export the best evaluated model instead of the latest")
    .option("-o, --output <file>", "file to write (default: <name>-<id>[-best] in this folder)")
    .option("-f, --force", "overwrite an existing file")
    .action(async (name: string, options: ExportOptions, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const format = formatOf(options);
      const run = await findRun(globals.runs, name);
      const best = options.best === true;
      const trained = await loadTrainedModel(run.folder, best);
      const file = resolve(options.output ?? `${fileNameOf(run.name, run.id)}${best ? "-best" : ""}.${format}`);
      const bytes = await encode(trained, run, format);
      await writeResult(file, bytes, options.force === true);
      const { round } = trained.checkpoint;
      if (output.json) output.document({ file, format, run: run.id, round, best, bytes: bytes.length });
      else output.note(`Wrote ${file} (${formatBytes(bytes.length)}): the model after round ${round} of ${run.name}.`);
    });
  acceptsOptions(command, "runs", "quiet");
  withExamples(
    command,
    ["anabranch export last --onnx", "for ONNX Runtime in any language"],
    ["anabranch export k3x --safetensors --best -o best.safetensors", "as initial weights of another run"],
  );
}

/** What the options ask for, or the ending of the file's name. */
function formatOf({ onnx, safetensors, output }: ExportOptions): Format {
  if (onnx === true || (safetensors !== true && output?.endsWith(".onnx") === true)) return "onnx";
  if (safetensors === true || output?.endsWith(".safetensors") === true) return "safetensors";
  throw new AnabranchError({
    code: "usage/missing-option",
    message: "no export format given",
    expected: "--onnx or --safetensors",
    advice: "See: anabranch export --help",
  });
}

async function encode(trained: TrainedModel, run: RunSummary, format: Format): Promise<Uint8Array> {
  const { modelSafetensors } = await import("../../run/outputs.ts");
  const { readRunFolder } = await import("../../report/run-data.ts");
  const { privacyMetadata } = await import("../../report/privacy.ts");
  const { namesMetadata } = await import("../../run/data-names.ts");
  const { layout, parameters, checkpoint, description } = trained;
  const about = {
    run: run.id,
    algorithm: checkpoint.algorithm,
    model: description.name,
    round: String(checkpoint.round),
  };
  const ofRound = { parameters, round: checkpoint.round };
  const metadata = {
    ...about,
    ...namesMetadata(description.names ?? {}),
    ...privacyMetadata(readRunFolder(run.folder), ofRound),
  };
  if (format === "onnx") return trainedOnnx(trained, metadata);
  return modelSafetensors(layout, ofRound.parameters, metadata);
}
