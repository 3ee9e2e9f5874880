import { AnabranchError, hashText } from "@anabranch/engine";
import * as z from "zod";
import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { createAlgorithm } from "../algorithms/registry.ts";
import type { EvaluationSpec } from "../client/evaluate.ts";
import { compileEvaluation } from "../client/evaluation-task.ts";
import type { TaskSpec } from "../client/run-client.ts";
import { personalState, taskSpec } from "../client/task-spec.ts";
import { type Config, modelSection, namedModelParts } from "../config/index.ts";
import { tableEncoding } from "../data/index.ts";
import { createModel, type Model } from "../models/index.ts";
import { type Layout, layout } from "../params/layout.ts";
import { type HeldParameters, heldOf, type ParameterSplit, partOf, splitParameters } from "../params/standing.ts";
import { weightsOf } from "../params/statistics.ts";
import { hashVector, type Vector } from "../params/vector.ts";
import { feedbackState } from "../pipeline/index.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { heldSelectors } from "../simulation/held-selectors.ts";
import type { PreparedRun } from "../simulation/prepare.ts";
import { withSharedStatistics } from "../simulation/shared-statistics.ts";
import { withStackedRounds } from "../simulation/stacked-rounds.ts";
import { VERSION } from "../version.ts";
import { contentHashNow } from "./content-hash.ts";
import { CONTROL_BYTES, contentHash } from "./control.ts";
import { LONGEST_NAMES, namesBlob, namesOf } from "./data-names.ts";
import { drawnParameters } from "./drawn-parameters.ts";
import { decodeHeld, encodeHeld } from "./held-values.ts";
import { pipelineSchema } from "./pipeline-schema.ts";
import { requireCompression } from "./requested-compression.ts";

const name = z.string().min(1).max(128);
const size = z
  .int()
  .min(1)
  .max(2 ** 31);
const shape = z.array(size).max(8);
const rows = z
  .int()
  .min(0)
  .max(2 ** 31);
const key = z.tuple([z.int().min(0).max(0xffffffff), z.int().min(0).max(0xffffffff)]);

/** What the examples of every client must look like. */
const dataSchema = z.strictObject({
  name,
  features: z.strictObject({ dtype: z.enum(["uint8", "float", "int32"]), shape }),
  labels: z.strictObject({ dtype: z.enum(["uint8", "int32", "float"]), shape }),
  classes: size,
  /** What the labels stand for: clients number their own classes by them. */
  classNames: z.array(z.string()).optional(),
  /** Characters of the tokens of a text. */
  vocabulary: z.array(z.string()).optional(),
  /** How the columns of a table become features: clients read their own tables so. */
  table: tableEncoding.optional(),
  /** Where all of these are a blob, as they are too long for a message. */
  names: z.strictObject({ hash: contentHash, bytes: z.int().min(1).max(LONGEST_NAMES) }).optional(),
});
export type DataSchema = z.infer<typeof dataSchema>;

/** Bytes of parameters that do not travel at most. */
export const LONGEST_HELD = 2 ** 31;

const selectors = z.array(z.string().min(1).max(256)).max(1000);

/** Parameters that do not travel: every client derives their first values for itself. */
const heldParameters = z.strictObject({
  personal: selectors,
  frozen: selectors,
  /** Of the initial weights. */
  key,
  /** Hash of all first values. */
  hash: z.string().max(128),
  /** The blob with these values, where they come from a file of the server's operator. */
  values: z.strictObject({ hash: contentHash, bytes: z.int().min(1).max(LONGEST_HELD) }).optional(),
});

/** The known partition of a trial: every client has all data and takes its own share. */
const sharedPartition = z.strictObject({
  /** Where the data set comes with Anabranch. */
  dataset: name.optional(),
  clients: size,
  scheme: name,
  options: z.record(z.string(), z.json()),
  key,
  holdout: z.number().min(0).lt(1),
  holdoutKey: key,
});

/**
 * What a client must know to take part in a run, as plain data: it names methods, models and stages of the client's own
 * installation and ships no code. The seed of the run is not in it.
 *
 * @example
 * ```ts
 * import { taskDescription } from "@anabranch/core/live";
 * taskDescription.safeParse({}).success; // => false
 * ```
 */
export const taskDescription = z.strictObject({
  v: z.literal(1),
  package: z.string().max(32),
  run: name,
  algorithm: z.strictObject({ name, options: z.record(z.string(), z.json()) }),
  model: z.strictObject({ name, options: z.record(z.string(), z.json()) }),
  /** Absent: all parameters travel. */
  parameters: heldParameters.optional(),
  /** Of methods whose model never travels: how every client derives the model before the first round. */
  start: z.strictObject({ key, hash: z.string().max(128) }).optional(),
  /** Of adapters that are merged into the weights after every round, which therefore go down too. */
  adapterRule: z.literal("flora").optional(),
  float: z.enum(["float32", "float64"]),
  training: z.strictObject({
    batchSize: size,
    gradientClip: z.number().min(0),
    momentum: z.number().min(0),
    nesterov: z.boolean(),
    weightDecay: z.number().min(0),
    loss: z
      .strictObject({
        strength: z.number().min(0),
        counts: z.array(z.number().min(0)).max(1_000_000).optional(),
        margin: z.number().min(0).optional(),
      })
      .optional(),
  }),
  budget: z.union([z.strictObject({ localEpochs: size }), z.strictObject({ localSteps: size })]),
  stages: pipelineSchema,
  /** Delta at which the epsilon of a private run is reported. */
  delta: z.number().gt(0).lt(1).optional(),
  evaluationBatch: size,
  rounds: rows,
  /** Of asynchronous rounds: updates of each, all of which may be of one client. */
  updatesPerRound: size.optional(),
  population: size,
  data: dataSchema,
  partition: sharedPartition.optional(),
  layoutHash: z.string().max(128),
  programHash: z.string().max(128),
});
export type TaskDescription = z.infer<typeof taskDescription>;

/**
 * The description of a prepared run. Throws `live/own-model` where the model is the operator's own, and `live/description`
 * where it is longer than a message may be.
 *
 * @example
 * ```ts
 * import { smallRun } from "@anabranch/core/conformance";
 * import { describeTask } from "@anabranch/core/live";
 * const { config, live } = smallRun({ name: "scaffold" });
 * describeTask(config, live).algorithm.name; // => "scaffold"
 * ```
 */
export function describeTask(config: Config, prepared: PreparedRun): TaskDescription {
  const { plan, simulation, federation } = prepared;
  const { loss } = prepared.training;
  const { file: modelFile } = modelSection(config.model);
  if (modelFile !== undefined) throw ownModel(modelFile);
  const { momentum, nesterov, weightDecay, batchSize, gradientClip, localSteps, localEpochs } = config.training;
  const { features, labels, classes } = federation.examples;
  const { scheme, ...options } = config.data.partition;
  const purpose = (of: string) => [...deriveKey(rootKey(config.seed), of)];
  const description = {
    v: 1,
    package: VERSION,
    run: plan.id,
    algorithm: { name: plan.algorithm.name, options: plan.algorithm.options },
    model: namedModelParts(config),
    ...(plan.held === undefined ? {} : { parameters: describeHeld(config, prepared, plan.held) }),
    ...(plan.payloads.replay?.kind === "pool" ? { start: describeStart(config, plan) } : {}),
    ...(prepared.model.adapters !== undefined && config.adapters.rule === "flora" ? { adapterRule: "flora" } : {}),
    float: plan.float,
    training: { batchSize, gradientClip, momentum, nesterov, weightDecay, ...(loss === undefined ? {} : { loss }) },
    budget: localSteps === undefined ? { localEpochs } : { localSteps },
    stages: plan.stages,
    delta: plan.account?.delta,
    evaluationBatch: config.evaluation.batch,
    rounds: plan.rounds,
    ...(plan.schedule.buffer === undefined ? {} : { updatesPerRound: plan.schedule.buffer }),
    population: plan.population,
    data: {
      name: federation.name,
      features: { dtype: features.dtype, shape: features.shape.slice(1) },
      labels: { dtype: labels.dtype, shape: labels.shape.slice(1) },
      classes,
      ...sentNames(federation),
    },
    // clients that deal the data out for themselves would not change them
    ...(federation.dataset === undefined || !isAsLoaded(config.data)
      ? {}
      : {
          partition: {
            // a path on the server's machine says nothing to a client, and is none of its business
            ...(config.data.file === undefined && !config.data.dataset.includes(":")
              ? { dataset: config.data.dataset }
              : {}),
            clients: federation.clients,
            scheme,
            options,
            key: purpose("partition"),
            holdout: config.data.holdout,
            holdoutKey: purpose("holdout"),
          },
        }),
    layoutHash: plan.layout.hash,
    programHash: simulation.task.program.hash,
  };
  const text = JSON.stringify(description);
  const bytes = new TextEncoder().encode(text).length;
  if (bytes > CONTROL_BYTES - besideDescription) throw tooLong(bytes);
  return taskDescription.parse(JSON.parse(text));
}

function isAsLoaded({ owners, transpose, questions, shift }: Config["data"]): boolean {
  return owners === undefined && !transpose && questions.families.length === 0 && shift.kind === "none";
}

/** Bytes that a welcome has beside its description, and some to spare. */
const besideDescription = 1024;

function sentNames(federation: PreparedRun["federation"]) {
  const blob = namesBlob({ federation });
  if (blob === undefined) return namesOf(federation.examples);
  if (blob.length > LONGEST_NAMES) throw tooLong(blob.length);
  return { names: { hash: contentHashNow(blob), bytes: blob.length } };
}

/** What a client runs for a description. */
export interface OpenTask {
  readonly task: TaskSpec;
  readonly evaluation: EvaluationSpec;
}

/**
 * Builds the client's programs from its own installation and compares them with what the server has built.
 *
 * @param own the algorithm, where the client's operator has a file for it
 * @param values the blob of `description.parameters.values`
 * @param allow throws where the client does not allow vectors of these sizes; called before programs are built
 * @throws `live/version` where layout or programs differ; what a wrong name or option throws
 *
 * @example
 * ```ts
 * import { smallRun } from "@anabranch/core/conformance";
 * import { describeTask, openTask } from "@anabranch/core/live";
 * const { config, live } = smallRun({ name: "fedavg" });
 * const { task } = openTask(describeTask(config, live));
 * task.program.hash === live.simulation.task.program.hash; // => true
 * ```
 */
export function openTask(
  description: TaskDescription,
  own?: Algorithm,
  allow: (payloads: Payloads) => void = () => {},
  values?: Uint8Array,
): OpenTask {
  const { data, training, budget, stages, float, evaluationBatch } = description;
  const example = (of: { dtype: "uint8" | "float" | "int32"; shape: number[] }) => ({ ...of, shape: [1, ...of.shape] });
  const examples = { features: example(data.features), labels: example(data.labels), classes: data.classes };
  const model = createModel(description.model.name, examples, description.model.options);
  const named = own ?? createAlgorithm(description.algorithm.name, description.algorithm.options);
  const whole = layout(model.parameters);
  const split = splitOf(description, whole);
  const modelLayout = split?.shared ?? whole;
  const ruled = withAdapterRule(description, named, model, modelLayout);
  const alone = ruled.payloads(weightsOf(modelLayout), "localSteps" in budget ? budget : {});
  const { algorithm, payloads } = withSharedStatistics({ algorithm: ruled, payloads: alone }, modelLayout);
  requireCompression(stages, payloads);
  const kept = { ...feedbackState(stages, payloads), ...personalState(split && { split }) };
  allow({ ...payloads, clientState: { ...payloads.clientState, ...kept } });
  const held = split && openHeld(description, model, split, values);
  const initial = openStart(description, model, { whole, shared: modelLayout }, payloads);
  const { task } = taskSpec({
    ...{ algorithm, model, layout: modelLayout, held, payloads, float, training, budget, stages, initial },
  });
  const program = compileEvaluation(model, whole, evaluationBatch);
  requireSame("layout of the model", modelLayout.hash, description.layoutHash, description.package);
  requireSame("program of the local training", task.program.hash, description.programHash, description.package);
  return { task, evaluation: { program, layout: whole, held, batchSize: evaluationBatch } };
}

/** The method with what its clients do differently under a rule for adapters. */
function withAdapterRule({ adapterRule }: TaskDescription, method: Algorithm, { adapters }: Model, shared: Layout) {
  if (adapterRule === undefined || adapters === undefined) return method;
  // the server alone draws fresh factors
  return withStackedRounds(method, { layout: shared, adapters, fresh: () => new Float32Array(shared.size) });
}

/** How clients come by the parameters that do not travel. Throws `live/initial-weights` where they cannot derive them. */
function describeHeld(
  config: Config,
  { model, plan }: PreparedRun,
  held: HeldParameters,
): TaskDescription["parameters"] {
  const { personal, frozen } = heldSelectors(config, model, plan.algorithm);
  const values = fromFile(config) ? encodeHeld(held) : undefined;
  return {
    personal: [...personal],
    frozen: [...frozen],
    key: [...deriveKey(rootKey(config.seed), "init")],
    hash: hashHeld(held),
    ...(values === undefined ? {} : { values: { hash: contentHashNow(values), bytes: values.length } }),
  };
}

function describeStart({ seed }: Config, { initial }: PreparedRun["plan"]): TaskDescription["start"] {
  return { key: [...deriveKey(rootKey(seed), "init")], hash: hashVector(initial) };
}

/** The model from which clients rebuild all later ones; undefined where they are sent one. Throws `live/version` where it differs. */
function openStart(
  { start, float, package: version }: TaskDescription,
  model: Model,
  { whole, shared }: Pick<ParameterSplit, "whole" | "shared">,
  { replay }: Payloads,
): Vector | undefined {
  requireSame("travel of the model", String(replay?.kind === "pool"), String(start !== undefined), version);
  if (start === undefined) return undefined;
  const values = partOf(whole, drawnParameters(model, whole, start.key, float), shared);
  requireSame("initial weights", hashVector(values), start.hash, version);
  return values;
}

const fromFile = ({ model }: Config) => model.initialWeights !== undefined;

/**
 * The blob of a run whose frozen or personal parameters come from a file; undefined where clients derive them.
 *
 * @example
 * ```ts
 * import { smallRun } from "@anabranch/core/conformance";
 * import { heldBlob } from "@anabranch/core/live";
 * const { config, live } = smallRun({ name: "fedavg" }, { parameters: { frozen: ["dense1"] } });
 * const withFile = { ...config, model: { ...config.model, initialWeights: "weights.safetensors" } };
 * heldBlob(withFile, live)?.length; // => 216
 * ```
 */
export function heldBlob(config: Config, { plan: { held } }: Pick<PreparedRun, "plan">): Uint8Array | undefined {
  return held === undefined || !fromFile(config) ? undefined : encodeHeld(held);
}

function splitOf({ parameters }: TaskDescription, whole: Layout): ParameterSplit | undefined {
  return parameters && splitParameters(whole, parameters);
}

/** The parameters that do not travel, as this client derives them. Throws `live/version` where the server's are others. */
function openHeld(
  { parameters, float, package: version }: TaskDescription,
  model: Model,
  split: ParameterSplit,
  sent: Uint8Array | undefined,
) {
  const values = drawnParameters(model, split.whole, parameters!.key, float);
  const held = sent === undefined ? heldOf(split, values) : decodeHeld(sent, split, values);
  if (held !== undefined) requireSame("initial weights", hashHeld(held), parameters!.hash, version);
  return held;
}

function hashHeld({ personal, frozen }: HeldParameters): string {
  return hashText(`${hashVector(personal)} ${hashVector(frozen)}`);
}

function requireSame(what: string, own: string, theirs: string, version: string): void {
  if (own === theirs) return;
  throw new AnabranchError({
    code: "live/version",
    message: `the ${what} of this client is not that of the server`,
    received: `${own}, made by version ${VERSION}`,
    expected: `${theirs}, made by version ${version}`,
    advice: "Install the server's version of Anabranch on this client.",
  });
}

function ownModel(file: string): AnabranchError {
  return new AnabranchError({
    code: "live/own-model",
    message: "a live run needs a model that every client has",
    where: "model.file",
    received: file,
    expected: "the name of a model",
    advice: 'Run "anabranch models" for the list. A server never sends code to its clients.',
  });
}

function tooLong(bytes: number): AnabranchError {
  return new AnabranchError({
    code: "live/description",
    message: "what clients have to know of the run is too long",
    received: `${bytes} bytes`,
    expected: `${CONTROL_BYTES - besideDescription} bytes at most, and ${LONGEST_NAMES} of names of classes and characters`,
    advice: "Shorten the names of classes, or the options of the model, the method and the partition.",
  });
}
