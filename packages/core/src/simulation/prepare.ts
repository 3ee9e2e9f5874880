import type { Algorithm } from "../algorithms/algorithm.ts";
import { type LocalBudget, stepCount } from "../client/batches.ts";
import { largestClient } from "../client/data-source.ts";
import type { TaskSettings } from "../client/local-task.ts";
import { splitFlops } from "../client/split-flops.ts";
import { type TaskFlops, taskFlops } from "../client/task-flops.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import type { SyntheticPopulation, TrainTest } from "../data/index.ts";
import type { Model } from "../models/index.ts";
import type { HeldParameters } from "../params/standing.ts";
import type { Vector } from "../params/vector.ts";
import type { RunPlan } from "../round/run-plan.ts";
import { attackedSources } from "./attacked-sources.ts";
import { trainedConfig } from "./baseline.ts";
import { groupsOfClasses } from "./class-groups.ts";
import { configuredAttack } from "./configured-attack.ts";
import { methodAmongNodes, withTopology } from "./configured-topology.ts";
import { configuredTraining } from "./configured-training.ts";
import { resolveDiagnostics } from "./diagnostics.ts";
import { type Federation, openFederation } from "./federation.ts";
import { lostEdges } from "./graph-sources.ts";
import { localModel } from "./local-only.ts";
import { resolvePolicies } from "./policies.ts";
import type { PublicTrainingParts } from "./public-examples.ts";
import type { CustomParts, ResolvedMethod } from "./resolve-method.ts";
import { requireNoMemory } from "./restarting-method.ts";
import { learningRateSchedule } from "./schedule.ts";
import { requireSeeded } from "./seeded-run.ts";
import { type SimulationSources, type SimulationSpec, simulationSpec } from "./simulation-spec.ts";
import { requireStreamed } from "./task-stream-run.ts";

/** What the executor is, as far as a plan must know. */
export interface ExecutorIdentity {
  readonly name: string;
  readonly version: string;
  readonly fingerprint: string;
  readonly float: "float32" | "float64";
}

/** A configured run, ready for a backend. */
export interface PreparedRun {
  readonly plan: RunPlan;
  readonly simulation: SimulationSpec;
  readonly model: Model;
  /** Local training, as the programs were traced with it. */
  readonly training: TaskSettings;
  readonly federation: Federation;
  /** Where the server trains on labelled public examples; absent: it does not. */
  readonly publicTraining?: PublicTrainingParts | undefined;
}

/**
 * Resolves a configuration against its data: partition, model, method, policies, traced programs. Deterministic.
 *
 * @example
 * ```ts
 * import { prepareRun, resolveConfig, rootKey, syntheticDataset } from "@anabranch/core";
 * const part = (firstIndex: number) =>
 *   syntheticDataset(rootKey(1), { shape: [1, 4, 4], classes: 2, examples: 6, firstIndex });
 * const config = resolveConfig({
 *   data: { clients: 2, partition: { scheme: "iid" } },
 *   model: { name: "logistic" },
 *   sampler: { cohort: 2 },
 * });
 * const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
 * const { plan } = prepareRun(config, { train: part(0), test: part(6) }, identity, 0, "example");
 * plan.layout.size; // => 34
 * ```
 */
export function prepareRun(
  given: Config,
  data: TrainTest | SyntheticPopulation,
  executor: ExecutorIdentity,
  workers: number,
  id: string,
  own: CustomParts = {},
): PreparedRun {
  const { name, version, fingerprint, float } = executor;
  const federation = openFederation(given, data);
  const config = trainedConfig(given, federation);
  const { method, compression, down, statistics, warnings, about } = methodAmongNodes(config, federation, own);
  const { texts, ...policies } = resolvePolicies(config, method, federation, { compression, down, trace: own.trace });
  const { model, algorithm, layout, payloads, subModels, initial } = method;
  const held = method.held && inFloat(method.held, float);
  const { training: work } = config;
  const training = { ...configuredTraining(config, algorithm, payloads, model, federation), statistics };
  requireFit(config, method, federation, policies.stages);
  const attack = configuredAttack(config, algorithm, payloads, federation);
  requireSeeded(config, algorithm, payloads);
  const budget = work.localSteps === undefined ? { localEpochs: work.localEpochs } : { localSteps: work.localSteps };
  const measures = resolveDiagnostics(config, { algorithm, payloads, layout, held, stages: policies.stages });
  const sources = federation.sources(model, float);
  const simulation = simulationSpec({
    ...{ algorithm, model, layout, held, payloads, subModels, float, training, budget, stages: policies.stages },
    ...{ evaluationBatch: config.evaluation.batch, initial: asFloat(initial, float), diagnostics: measures.settings },
    sources: attackedSources(sources, attack, config.evaluation.batch),
  });
  requireSteps(algorithm, simulation, training.batchSize, budget);
  for (const origin of [own.origins?.model, own.origins?.algorithm]) origin?.requireUsedOptions?.();
  const plan: RunPlan = {
    ...withTopology(policies, own.topology),
    warnings: [policies.warnings ?? [], warnings, measures.warnings, lostEdges(given, model, federation)].flat(),
    diagnostics: measures.settings,
    ...{ id, algorithm, layout, held, payloads, float, attack: attack?.update },
    name: config.name,
    baseline: config.baseline,
    localModel: config.baseline === "local-only" ? (start, kept) => localModel(start, kept, held) : undefined,
    dataHash: federation.hash,
    seed: config.seed,
    rounds: config.rounds,
    population: federation.clients,
    initial: asFloat(initial, float),
    ...{ localSteps: training.localSteps, regression: federation.regression, partFlops: partFlops(simulation) },
    ...{ classGroups: groupsOfClasses(config, model, federation), learningRate: learningRateSchedule(config) },
    guessingLoss: model.classes > 1 ? Math.log(model.classes) : undefined,
    ...judgement(config, federation),
    adaptation: adaptationOf(config, method),
    description: {
      ...{ model: model.name, dataset: federation.name, cohort: config.sampler.cohort, workers },
      executor: { name, version, fingerprint },
      gradientsPerStep: simulation.gradientsPerStep,
      ...flopsOf(algorithm, model, simulation),
      ...{ ...measures.energy, ...about, ...texts, ...(attack && { attack: attack.description }) },
    },
  };
  return { plan, simulation, model, training, federation, publicTraining: publicTrainingOf(config, method, sources) };
}

/** What the server trains on, where the method has it train. */
function publicTrainingOf(
  { seed }: Config,
  { algorithm, model, layout, subModels }: ResolvedMethod,
  { publicSet }: Pick<SimulationSources, "publicSet">,
): PublicTrainingParts | undefined {
  if (algorithm.publicTraining === undefined || publicSet === undefined) return undefined;
  return { model, layout, subModels, examples: publicSet, seed };
}

/** Of a client's task, and of the server's part in it where the model is split. */
function flopsOf({ splitTraining }: Algorithm, model: Model, { task, train }: SimulationSpec): TaskFlops {
  return splitTraining === undefined ? taskFlops(task, train) : splitFlops(task, model, splitTraining, train);
}

/** Of models of other sizes, by part. */
function partFlops({ task: { tiers }, train }: SimulationSpec): RunPlan["partFlops"] {
  // many parts may share a task
  const known = new Map([...new Set(tiers)].map((task) => [task, taskFlops(task, train)]));
  return tiers?.map((task) => known.get(task)!);
}

function asFloat(values: Vector, float: ExecutorIdentity["float"]): Vector {
  return float === "float64" ? Float64Array.from(values) : Float32Array.from(values);
}

function inFloat(held: HeldParameters, float: ExecutorIdentity["float"]): HeldParameters {
  return { ...held, personal: asFloat(held.personal, float), frozen: asFloat(held.frozen, float) };
}

/** Of the model that a method makes for it, or that the configuration asks for; personal parameters need none. */
function adaptationOf({ data, evaluation }: Config, { algorithm, held }: ResolvedMethod): RunPlan["adaptation"] {
  const { adaptEpochs, clientEvery } = evaluation;
  const isAdapted = adaptEpochs !== undefined || algorithm.adaptation !== undefined;
  if (!isAdapted || data.holdout === 0 || clientEvery === 0) return undefined;
  if (held !== undefined && held.split.personal.size > 0) {
    if (adaptEpochs === undefined) return undefined;
    const advice = "The model of each client is its own already: remove evaluation.adaptEpochs.";
    throw conflict("evaluation.adaptEpochs", `${adaptEpochs}, with personal parameters`, "nothing", advice);
  }
  const budget = adaptEpochs === undefined ? { localSteps: 1 } : { localEpochs: adaptEpochs };
  return { budget, learningRate: algorithm.adaptation };
}

/** When the model is evaluated, saved and given up. */
function judgement({ evaluation, data, stop, checkpoint, topology }: Config, { taskStream, unlabelled }: Federation) {
  return {
    taskStream,
    unseenClasses: unlabelled?.classes,
    evaluateModelsEvery: topology.evaluateEvery,
    evaluateEvery: evaluation.every,
    evaluateClientsEvery: data.holdout > 0 ? evaluation.clientEvery : 0,
    onClientFailure: stop.onClientFailure,
    patience: stop.patience,
    targetAccuracy: stop.targetAccuracy,
    checkpointEvery: checkpoint.every,
    checkpointKeep: checkpoint.keep,
  };
}

function requireFit(config: Config, method: ResolvedMethod, federation: Federation, stages: RunPlan["stages"]): void {
  requireNoMemory(config, method, stages);
  requireAccuracy(config, federation);
  requireStreamed(config, method.algorithm);
}

/** Models that predict numbers have no accuracy. */
function requireAccuracy({ stop }: Config, { regression }: Federation): void {
  if (regression === undefined || stop.targetAccuracy === undefined) return;
  throw conflict(
    "stop.targetAccuracy",
    `${stop.targetAccuracy}, with numbers to predict`,
    "nothing",
    "Numbers have no accuracy. Remove it, or use stop.patience, which follows the test loss.",
  );
}

/** Steps before the first host kernel move nothing (SOAP has no bases yet): clients with no others would send zeros. */
function requireSteps({ name }: Algorithm, plan: SimulationSpec, batchSize: number, budget: LocalBudget): void {
  const { program } = plan.task;
  const steps = stepCount(largestClient(plan.train), batchSize, budget);
  if (!("refresh" in program) || steps > program.refresh.first) return;
  throw conflict(
    "localSteps" in budget ? "training.localSteps" : "training.localEpochs",
    `${steps} local step(s) at most, with algorithm.name = "${name}", whose optimizer first moves in step ${program.refresh.first + 1}`,
    `at least ${program.refresh.first + 1} local steps`,
    "Its first steps only find the bases of the later ones: train longer, or lower training.batchSize.",
  );
}
