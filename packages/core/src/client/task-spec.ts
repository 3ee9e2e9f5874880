import type { HostTensor } from "@anabranch/engine";
import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import type { DiagnosticsSettings } from "../metrics/settings.ts";
import type { Model } from "../models/model.ts";
import { type Layout, layout as layoutFrom } from "../params/layout.ts";
import { type HeldParameters, selectEntries } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import { feedbackState, type PipelineSettings, uploadsOf } from "../pipeline/index.ts";
import type { SubModel, SubModels } from "../submodels/index.ts";
import type { LocalBudget } from "./batches.ts";
import { compileLocalTask, type TaskSettings, trainsFirst } from "./local-task.ts";
import { PERSONAL } from "./personal-half.ts";
import type { TaskSpec } from "./run-client.ts";

/** What the tasks of a run are made of. */
export interface TaskParts {
  readonly algorithm: Algorithm;
  readonly model: Model;
  /** Of the parameters that travel. */
  readonly layout: Layout;
  /** The others; absent: there are none. */
  readonly held?: HeldParameters | undefined;
  readonly payloads: Payloads;
  readonly float: "float32" | "float64";
  readonly training: TaskSettings;
  readonly budget: LocalBudget;
  readonly stages: PipelineSettings;
  /** What clients measure, in simulations. */
  readonly diagnostics?: Pick<DiagnosticsSettings, "compression"> | undefined;
  /** Features of the run's public examples, [m, ...], for methods that use such. */
  readonly publicFeatures?: HostTensor | undefined;
  /** The model before the first round, [d], for methods whose clients rebuild models from it. */
  readonly initial?: Vector | undefined;
  /** The models that clients train in place of `model`, by part; absent: all train it. */
  readonly subModels?: Pick<SubModels, "parts"> | undefined;
}

/** Traces and compiles what a client runs; the same parts give the same program everywhere. */
export function taskSpec(parts: TaskParts): { readonly task: TaskSpec; readonly gradientsPerStep: number } {
  const { algorithm, model, layout, held, payloads, float, training, budget, stages } = parts;
  const { publicFeatures } = parts;
  const localSteps = "localSteps" in budget ? budget.localSteps : undefined;
  const settings = { ...training, localSteps, publicExamples: publicFeatures?.shape[0] };
  const { program, gradientsPerStep } = compileLocalTask(algorithm, model, payloads, settings, held?.split);
  const task: TaskSpec = {
    program,
    float,
    batchSize: training.batchSize,
    budget,
    ...personalBudget(algorithm, held),
    ...drawnParameters(algorithm, held),
    ...(publicFeatures && { publicFeatures }),
    ...(training.curriculum && { curriculum: training.curriculum }),
    ...(algorithm.splitTraining && { splitTraining: algorithm.splitTraining }),
    ...(training.upSampling && { upSampling: training.upSampling }),
    masks: model.masks,
    draws: algorithm.client.draws ?? {},
    ...directionsOf(algorithm, layout),
    broadcast: payloads.broadcast,
    ...ownVectors(payloads),
    ...seededHalves(parts),
    ...uploadsOf(payloads, layout),
    ...(held === undefined ? {} : { held }),
    ...(parts.diagnostics?.compression === true ? { measuresCompression: true } : {}),
    clientState: {
      ...payloads.clientState,
      ...personalState(held),
      ...feedbackState(stages, payloads),
    },
    stages,
  };
  const { subModels } = parts;
  if (subModels === undefined) return { task, gradientsPerStep };
  return { task: { ...task, tiers: tierTasks(parts, subModels.parts) }, gradientsPerStep };
}

function directionsOf({ client }: Algorithm, model: Layout): Pick<TaskSpec, "directions"> {
  const directions = client.directions?.(model);
  return directions === undefined ? {} : { directions };
}

/** The task of every part. Parts of one model share one. Messages name the layout of the whole model. */
function tierTasks({ subModels: _, ...parts }: TaskParts, models: readonly SubModel[]): readonly TaskSpec[] {
  const { algorithm, payloads, training } = parts;
  const made = new Map<SubModel, TaskSpec>();
  return models.map((sub) => {
    const known = made.get(sub);
    if (known !== undefined) return known;
    const { parts: all, own: given } = payloads;
    const narrow: Payloads = {
      ...algorithm.payloads(sub.layout, training),
      ...(given === undefined ? {} : { own: given }),
      ...(all === undefined ? {} : { parts: all }),
    };
    const { batchSize = training.batchSize } = sub;
    const own = { model: sub.model, payloads: narrow, held: heldIn(sub, parts.held) };
    const { task } = taskSpec({ ...parts, ...own, training: { ...training, batchSize } });
    made.set(sub, task);
    return task;
  });
}

/** Of a model whose parameters that do not travel are those of the whole one. */
function heldIn(
  { model, layout: shared, frozen = (values) => values }: SubModel,
  held: HeldParameters | undefined,
): HeldParameters | undefined {
  if (held === undefined) return undefined;
  const split = { ...held.split, whole: layoutFrom(model.parameters), shared };
  return { ...held, split, frozen: frozen(held.frozen, split.frozen) };
}

/** Local work on personal parameters alone. */
function personalBudget(algorithm: Algorithm, held: HeldParameters | undefined): Pick<TaskSpec, "personalBudget"> {
  const { train = "together" } = algorithm.personal ?? {};
  if (held === undefined || train === "together" || !trainsFirst(algorithm, held.split)) return {};
  return { personalBudget: train };
}

/** Personal parameters that each client draws for itself. */
function drawnParameters({ personal }: Algorithm, held: HeldParameters | undefined): Pick<TaskSpec, "drawn"> {
  if (personal?.drawn === undefined || held === undefined) return {};
  return { drawn: [...selectEntries(held.split.personal, personal.drawn, "the parameters that clients draw")] };
}

/** The client state of personal parameters. */
export function personalState(held: Pick<HeldParameters, "split"> | undefined): Readonly<Record<string, Layout>> {
  return held === undefined || held.split.personal.size === 0 ? {} : { [PERSONAL]: held.split.personal };
}

/** What a client computes around its program. */
function seededHalves({ payloads: { replay, projection }, initial, layout }: TaskParts) {
  return {
    ...(replay === undefined ? {} : { replay: { rule: replay, ...(initial && { start: initial }) } }),
    ...(projection === undefined ? {} : { projection: { rule: projection, layout } }),
  };
}

function ownVectors({ own, broadcast }: Payloads): Pick<TaskSpec, "own"> {
  return own === undefined ? {} : { own: Object.fromEntries(own.map((name) => [name, broadcast[name]!])) };
}
