import {
  AnabranchError,
  type CompressionLink,
  compressorOf,
  measureCompression,
  parseLink,
  rootKey,
  type Vector,
} from "@anabranch/core";
import { type Command, Option } from "commander";
import { formatBytes, formatCount, UNKNOWN } from "../../terminal/format.ts";
import { acceptsOptions, parseInvocation } from "../globals.ts";
import { withExamples } from "../help.ts";
import { finite, type ModelVector, readModelVector } from "../model-vector.ts";
import { repeated, wholeCount } from "../parse.ts";
import { table } from "../text.ts";

interface CompressOptions {
  readonly codec?: readonly string[];
  readonly minus?: string;
  readonly scope: "model" | "layer";
  readonly best?: boolean;
  readonly seed: number;
}

/** Measured where none are named. */
const USUAL = [
  ...["top-k density=0.01", "top-k density=0.1", "top-k density=0.1 + nf4", "rand-k density=0.1"],
  ...["count-sketch size=0.1", "qsgd levels=4", "natural", "sign", "e3m0", "nf4", "fedzip keep=0.1"],
];

export function addCompress(program: Command): void {
  const command = program
    .command("compress")
    .description("Show how many bytes compression operators make of a model or an update, and what they lose.")
    .argument("<model>", "a run (its latest model), or a safetensors file")
    .option("--codec <chain>", 'operators joined by " + "; repeat it to compare (default: the usual ones)', repeated)
    .option("--minus <model>", "compress the difference to this run or file, as an update is")
    .addOption(
      new Option("--scope <scope>", "compress all values together, or each parameter by itself")
        .choices(["model", "layer"])
        .default("model"),
    )
    .option("--best", "take the best evaluated model of a run instead of the latest")
    .option("--seed <n>", "seed of operators that draw", wholeCount, 0)
    .action(async (name: string, options: CompressOptions, self: Command) => {
      const { globals, output } = parseInvocation(self);
      const chains = (options.codec ?? USUAL).map(parseChain);
      const model = await readUpdate(globals.runs, name, options);
      const { scope, seed } = options;
      const rows = chains.map(({ text, up }) => ({
        codec: text,
        ...measureCompression({ up, scope }, model.layout, model.values, rootKey(seed)),
      }));
      const plainBytes = model.values.byteLength;
      if (output.json) {
        const codecs = rows.map(({ cosine = null, ...row }) => ({ ...row, ratio: plainBytes / row.bytes, cosine }));
        output.document({ source: model.source, values: model.values.length, bytes: plainBytes, scope, codecs });
        return;
      }
      const columns = ["bytes", "ratio", "relative error", "cosine"].map((head) => ({ head, right: true }));
      const cells = rows.map(({ codec, bytes, relativeError, cosine }) => [
        codec,
        formatBytes(bytes),
        `${(plainBytes / bytes).toPrecision(3)}x`,
        relativeError.toPrecision(3),
        cosine === undefined ? UNKNOWN : cosine.toFixed(4),
      ]);
      const count = `${formatCount(model.values.length)} values, ${formatBytes(plainBytes)}`;
      output.print(
        output.colours.bold(`${model.source}: ${count}`),
        "",
        table([{ head: "codec" }, ...columns], cells, output.width),
        "",
        "Relative error: distance of what is received to what was sent, over its norm.",
      );
    });
  acceptsOptions(command, "runs", "quiet");
  withExamples(
    command,
    ["anabranch compress last", "the usual operators on the model of the latest run"],
    [
      'anabranch compress model.safetensors --codec "top-k density=0.01 + nf4" --codec sign',
      "operators of your choice",
    ],
    ["anabranch compress after.safetensors --minus before.safetensors", "on an update"],
  );
}

/** The chain of a text such as "top-k density=0.01 + nf4". */
function parseChain(text: string): { readonly text: string; readonly up: readonly CompressionLink[] } {
  const up = text.split("+").map((link) => parseLink(link.trim(), "--codec"));
  compressorOf(up);
  return { text, up };
}

async function readUpdate(runs: string, name: string, { minus, best }: CompressOptions): Promise<ModelVector> {
  const model = await readModelVector(runs, name, best === true);
  if (minus === undefined) return model;
  const before = await readModelVector(runs, minus, best === true);
  if (before.layout.hash !== model.layout.hash) {
    throw new AnabranchError({
      code: "compression/layout",
      message: "two models with different parameters have no difference",
      where: "--minus",
      received: `${before.source}: ${formatCount(before.layout.size)} values`,
      expected: `the parameters of ${model.source}: ${formatCount(model.layout.size)} values`,
    });
  }
  const values: Vector = model.values.slice();
  for (let i = 0; i < values.length; i++) values[i]! -= before.values[i]!;
  return finite({ ...model, source: `${model.source} minus ${before.source}`, values });
}
