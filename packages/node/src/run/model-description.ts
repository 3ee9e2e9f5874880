import { AnabranchError, type Layout, layout, type PreparedRun } from "@anabranch/core";
import * as z from "zod";
import { type RunFolder, writeRunFile } from "../store/run-folder.ts";
import { dataNames, dataNamesOf } from "./data-names.ts";

const shape = z.array(z.int().positive()).max(16);
const tensor = z.object({ dtype: z.enum(["uint8", "float", "int32", "bool"]), shape });
const roles = ["matrix", "vector", "convKernel", "embedding", "normalization", "head"] as const;

const schema = z.object({
  name: z.string(),
  /** Made by a file of the operator. */
  own: z.boolean(),
  /** Of the data set, with the number of examples first. */
  features: tensor,
  labels: tensor,
  classes: z.int().positive(),
  /** Of classes, characters and features; absent in runs of earlier versions. */
  names: dataNames.optional(),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        shape: z.array(z.int().positive()),
        role: z.enum(roles),
        block: z.string(),
        heads: z.int().positive(),
      }),
    )
    .max(1_000_000),
});

/** What a run folder says of its model, so that the model is exported without its data and without running its code. */
export type ModelDescription = z.infer<typeof schema>;

/** Writes `model.json` of a run. `own`: the model is not one of ours by name. */
export async function writeModelDescription(
  { paths, files }: RunFolder,
  own: boolean,
  { model, plan, federation }: Pick<PreparedRun, "model" | "plan" | "federation">,
): Promise<void> {
  const { features, labels, classes } = federation.examples;
  const description: ModelDescription = {
    name: model.name,
    own,
    features: { dtype: features.dtype, shape: [...features.shape] },
    labels: { dtype: labels.dtype, shape: [...labels.shape] },
    classes,
    names: dataNamesOf(federation.examples),
    parameters: plan.layout.entries.map(({ offset: _offset, size: _size, shape, ...entry }) => ({
      ...entry,
      shape: [...shape],
    })),
  };
  await writeRunFile(paths.modelDescription, JSON.stringify(description), files);
}

/** Bytes of a description at most. */
const largestDescription = 2 ** 26;

/** Reads it. Throws `run/model-description` where it is missing, as in runs of older versions, or damaged; `store/*`. */
export async function readModelDescription({ paths, files }: RunFolder): Promise<ModelDescription> {
  const text = Buffer.from((await files.read(paths.modelDescription, largestDescription)) ?? []).toString("utf8");
  const result = schema.safeParse(parse(text));
  if (result.success) return result.data;
  throw new AnabranchError({
    code: "run/model-description",
    message: "the description of the run's model is missing or damaged",
    where: paths.modelDescription,
    received: text === "" ? "no text" : `a fault at ${result.error.issues[0]?.path.join(".") || "the beginning"}`,
    advice: "Resume the run: this writes the file again, also where nothing is left to train.",
    cause: result.error,
  });
}

/** The layout of the described parameters. */
export function describedLayout({ parameters }: ModelDescription): Layout {
  return layout(parameters);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
