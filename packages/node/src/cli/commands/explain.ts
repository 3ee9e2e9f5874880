import { resolve } from "node:path";
import { AnabranchError } from "@anabranch/core";
import type { Command } from "commander";
import type { Explanation } from "../../explain/explain-run.ts";
import { fileNameOf } from "../../store/file-name.ts";
import { findRun } from "../../store/find-run.ts";
import { formatPercent } from "../../terminal/format.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import type { Output } from "../output.ts";
import { positiveCount } from "../parse.ts";
import { writeResult } from "../result-files.ts";
import { orNull } from "../run-texts.ts";
import { table } from "../text.ts";
import { requireTrust, type TrustOption, withTrust } from "../trust.ts";

interface Options extends TrustOption {
  readonly client: number;
  readonly images: number;
  readonly output?: string;
  readonly force?: boolean;
}

export function addExplain(program: Command): void {
  const command = program
    .command("explain")
    .description("Draw where the models of a run look in images (Grad-CAM): the global one, and a client's own.")
    .argument("<run>", 'id or its first characters, name, folder, or "last"')
    .option("--client <n>", "client whose model and images are shown", clientNumber, 0)
    .option("--images <n>", "number of images", positiveCount, 8)
    .option("-o, --output <file>", "HTML page (default: explain-<name>-<id>.html)")
    .option("-f, --force", "overwrite an existing file")
    .action(async (name: string, options: Options, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const found = await findRun(globals.runs, name);
      const { readRunConfig } = await import("../../run/run-config.ts");
      const { requireSimulated } = await import("../../run/session.ts");
      const { openRunFolder } = await import("../../store/run-folder.ts");
      const run = await openRunFolder(found.folder);
      await requireSimulated(run);
      const config = await readRunConfig(found.folder);
      await requireTrust([config], { where: found.folder, ask: "all" }, options, globals);
      const { explainRun } = await import("../../explain/explain-run.ts");
      const { client, images } = options;
      const { dataDir } = globals;
      const explanation = await explainRun(run, config, {
        client,
        images,
        ...(dataDir === undefined ? {} : { dataDir }),
      });
      const { writeExplainPage } = await import("../../explain/explain-report.ts");
      const file = resolve(options.output ?? `explain-${fileNameOf(found.name, found.id)}.html`);
      await writeResult(file, Buffer.from(writeExplainPage(found, explanation)), options.force === true);
      if (output.json) output.document(explainDocument(found.id, explanation, file));
      else await printExplanation(explanation, file, output);
    });
  withTrust(command);
  acceptsOptions(command, "runs", "dataDir", "quiet");
  withExamples(
    command,
    ["anabranch explain last", "the newest run, client 0"],
    ["anabranch explain k3x --client 7 --images 12", "client 7's own model beside the global one"],
  );
}

/** The answer of `explain --json`. */
function explainDocument(run: string, explanation: Explanation, report: string) {
  const { round, client, dataset, source, meanOverlap, images } = explanation;
  return {
    ...{ run, round, client, dataset, source, meanOverlap: orNull(meanOverlap) },
    images: images.map(({ label, global, personal, overlap }) => ({
      ...{ label, global: global.predicted, personal: orNull(personal?.predicted), overlap: orNull(overlap) },
    })),
    report,
  };
}

async function printExplanation(explanation: Explanation, report: string, output: Output): Promise<void> {
  const { aboutText, classText } = await import("../../explain/explain-report.ts");
  const rows = explanation.images.map(({ label, global, personal, overlap }) => [
    classText(explanation, label),
    classText(explanation, global.predicted),
    personal === undefined ? "-" : classText(explanation, personal.predicted),
    overlap === undefined ? "-" : formatPercent(overlap, 0),
  ]);
  const heads = [
    { head: "class" },
    { head: "global model" },
    { head: "client's model" },
    { head: "overlap", right: true },
  ];
  output.print(
    aboutText(explanation),
    "",
    table(heads, rows, output.width).map((line) => `  ${line}`),
    "",
    `Report: ${report}`,
  );
}

function clientNumber(text: string): number {
  const value = Number(text);
  if (/^\d{1,9}$/.test(text)) return value;
  throw new AnabranchError({ code: "usage/count", message: "not an integer", received: text, expected: "0 or more" });
}
