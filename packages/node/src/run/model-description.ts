import {
  AnabranchError,
  decodeSafetensors,
  encodeSafetensors,
  entryView,
  type HeldParameters,
  isVector,
  type Layout,
  layout,
  type ParameterSplit,
  type PreparedRun,
  subLayout,
  type Vector,
  zerosLike,
} from "@anabranch/core";
import * as z from "zod";
import { type RunFolder, writeRunFile } from "../store/run-folder.ts";
import { dataNames, dataNamesOf } from "./data-names.ts";

const shape = z.array(z.int().positive()).max(16);
const tensor = z.object({ dtype: z.enum(["uint8", "float", "int32", "bool"]), shape });
const roles = ["matrix", "vector", "convKernel", "embedding", "normalization", "head", "statistics"] as const;

const shardNumbers = z.array(z.int().min(0)).max(100_000_000).readonly();

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
  /** Low-rank adapters, which are merged into their weights wherever the model leaves the run. */
  adapters: z
    .object({
      pairs: z
        .array(
          z.object({
            weight: z.string(),
            a: z.string(),
            b: z.string(),
            core: z.string().optional(),
            shards: z.object({ a: shardNumbers, b: shardNumbers }).optional(),
          }),
        )
        .max(1_000_000),
      scale: z.number(),
    })
    .optional(),
  parameters: z
    .array(
      z.object({
        name: z.string(),
        shape: z.array(z.int().positive()),
        role: z.enum(roles),
        block: z.string(),
        heads: z.int().positive(),
        /** Absent: shared. */
        standing: z.enum(["personal", "frozen"]).optional(),
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
    ...adaptersOf(model),
    parameters: (plan.held?.split.whole ?? plan.layout).entries.map(
      ({ offset: _offset, size: _size, shape, ...entry }) => ({
        ...entry,
        shape: [...shape],
        ...standingOf(entry.name, plan.held?.split),
      }),
    ),
  };
  if (plan.held !== undefined) await writeRunFile(paths.heldParameters, heldSafetensors(plan.held), files);
  await writeRunFile(paths.modelDescription, JSON.stringify(description), files);
}

function adaptersOf({ adapters }: PreparedRun["model"]): Pick<ModelDescription, "adapters"> {
  return adapters === undefined ? {} : { adapters: { pairs: [...adapters.pairs], scale: adapters.scale } };
}

function standingOf(name: string, split: ParameterSplit | undefined): { standing?: "personal" | "frozen" } {
  const has = (layout: Layout | undefined) => layout?.entries.some((entry) => entry.name === name) === true;
  return has(split?.personal) ? { standing: "personal" } : has(split?.frozen) ? { standing: "frozen" } : {};
}

/** What completes a checkpoint of the run to a model. */
function heldSafetensors({ split, personal, frozen }: HeldParameters): Uint8Array {
  const tensors = (part: Layout, values: Vector) =>
    part.entries.map((entry) => [entry.name, { shape: [...entry.shape], data: entryView(values, entry) }] as const);
  const all = [...tensors(split.personal, personal), ...tensors(split.frozen, frozen)];
  return encodeSafetensors(Object.fromEntries(all), {});
}

/**
 * The parameters of a whole model from those of a checkpoint. Throws `run/model-description` where the run's file of
 * parameters that do not travel is missing or damaged.
 */
export async function completeParameters(
  { paths, files }: RunFolder,
  { parameters }: ModelDescription,
  shared: Vector,
): Promise<Vector> {
  if (parameters.every(({ standing }) => standing === undefined)) return shared;
  const whole = layout(parameters);
  const values = zerosLike(shared, whole.size);
  const bytes = (await files.read(paths.heldParameters, largestHeld)) ?? new Uint8Array();
  const { tensors } = decodeSafetensors(bytes, paths.heldParameters);
  const travels = new Map(sharedLayout({ parameters }).entries.map((entry) => [entry.name, entry]));
  for (const entry of whole.entries) {
    const place = travels.get(entry.name);
    const data = place === undefined ? tensors[entry.name]?.data : entryView(shared, place);
    if (!isVector(data) || data.length !== entry.size) throw noHeld(paths.heldParameters, entry.name);
    entryView(values, entry).set(data);
  }
  return values;
}

/** Bytes of held parameters at most. */
const largestHeld = 2 ** 33;

function noHeld(where: string, name: string): AnabranchError {
  return new AnabranchError({
    code: "run/model-description",
    message: "the file with the run's frozen and personal parameters is missing or damaged",
    where,
    received: `no values of ${name}`,
    advice: "Resume the run: this writes the file again, also where nothing is left to train.",
  });
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

/** The layout of the parameters that travel, which checkpoints have. */
export function sharedLayout({ parameters }: Pick<ModelDescription, "parameters">): Layout {
  return subLayout(layout(parameters), (entry) => {
    return parameters.find(({ name }) => name === entry.name)!.standing === undefined;
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
