import type { Algorithm, Exchange } from "../algorithms/algorithm.ts";
import { createAlgorithm } from "../algorithms/registry.ts";
import { type LocalBudget, stepCount } from "../client/batches.ts";
import type { DataSpec } from "../client/data-source.ts";
import { conflict } from "../config/check.ts";
import { type Config, configHash } from "../config/index.ts";
import type { SyntheticPopulation, TrainTest } from "../data/index.ts";
import { createModel, type Model } from "../models/index.ts";
import type { ModelData } from "../models/registry.ts";
import { initialParameters } from "../params/initialize.ts";
import { type Layout, layout } from "../params/layout.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { privateExchange } from "../round/private-round.ts";
import type { RunPlan } from "../round/run-plan.ts";
import { poissonSampler, uniformSampler } from "../selection/sampler.ts";
import { type CheckedMethod, checkedMethod } from "./checked-method.ts";
import { checkedModel } from "./checked-model.ts";
import type { Origin } from "./contract.ts";
import { type Federation, openFederation } from "./federation.ts";
import { freshCohorts, type InitialWeights, startedHash, startFrom } from "./initial-weights.ts";
import { type SimulationPlan, simulationPlan } from "./plan.ts";
import { configuredMechanism, describeMechanism, privacyWarnings, privateAccount } from "./private-run.ts";
import { learningRateSchedule } from "./schedule.ts";
import { configuredSecureSum, describeSecureSum } from "./secure-run.ts";

/** What the operator may bring instead of a name in the configuration. */
export interface Own {
  readonly model?: Model | undefined;
  readonly algorithm?: Algorithm | undefined;
  /** What to start from instead of random weights, e.g. a decoded safetensors file. */
  readonly weights?: InitialWeights | undefined;
  /** Of model and algorithm, where they come from files. */
  readonly origins?: { readonly model?: Origin | undefined; readonly algorithm?: Origin | undefined } | undefined;
}

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
  readonly simulation: SimulationPlan;
  readonly model: Model;
  readonly federation: Federation;
}

/** Resolves a configuration against its data: partition, model, method, traced programs. Deterministic. */
export function prepareRun(
  config: Config,
  data: TrainTest | SyntheticPopulation,
  executor: ExecutorIdentity,
  workers: number,
  id: string,
  own: Own = {},
): PreparedRun {
  const { float } = executor;
  const federation = openFederation(config, data);
  const { origins = {} } = own;
  const model =
    own.model === undefined ? namedModel(config, federation.examples) : checkedModel(own.model, origins.model);
  const modelLayout = layout(model.parameters);
  const { algorithm, exchange } =
    own.algorithm === undefined
      ? namedMethod(config, modelLayout)
      : checkedMethod(own.algorithm, modelLayout, origins.algorithm);
  const { training, aggregation } = config;
  requireClippable(algorithm, exchange, aggregation.clipNorm);
  requireSenders(algorithm, exchange, config.sampler.cohort);
  const start = own.weights && startFrom(own.weights, modelLayout);
  const mechanism = configuredMechanism(config, algorithm, exchange, federation, start);
  const account = mechanism && privateAccount(config, algorithm, exchange, federation, mechanism, start);
  const secureSum = configuredSecureSum(config, algorithm, exchange, federation, mechanism);
  if (mechanism !== undefined || secureSum !== undefined) requirePublicSteps(algorithm, training);
  const stages = {
    ...aggregation,
    ...(mechanism === undefined ? {} : { privacy: mechanism }),
    ...(secureSum === undefined ? {} : { secureSum }),
  };
  const budget =
    training.localSteps === undefined ? { localEpochs: training.localEpochs } : { localSteps: training.localSteps };
  const population = federation.clients;
  const simulation = simulationPlan({
    algorithm,
    model,
    layout: modelLayout,
    exchange,
    float,
    seed: config.seed,
    training,
    budget,
    stages,
    evaluationBatch: config.evaluation.batch,
    sources: federation.sources(model, float),
  });
  requireSteps(algorithm, simulation, training.batchSize, budget);
  for (const origin of [origins.model, origins.algorithm]) origin?.requireUsedOptions();
  const initial = start?.vector ?? initialParameters(model.parameters, deriveKey(rootKey(config.seed), "init"));
  const { name: samplerName, cohort } = config.sampler;
  const sampler = samplerName === "poisson" ? poissonSampler(population, cohort) : uniformSampler(population, cohort);
  const plan: RunPlan = {
    id,
    name: config.name,
    configHash: mechanism === undefined ? configHash(config) : startedHash(configHash(config), start),
    dataHash: federation.hash,
    seed: config.seed,
    rounds: config.rounds,
    population,
    algorithm,
    layout: modelLayout,
    exchange: mechanism === undefined ? exchange : privateExchange(exchange, mechanism),
    initial: float === "float64" ? Float64Array.from(initial) : Float32Array.from(initial),
    sampler: mechanism === undefined ? sampler : freshCohorts(sampler, start),
    stages,
    localSteps: training.localSteps,
    warnings: privacyWarnings(mechanism, config, account),
    account,
    guessingLoss: model.classes > 1 ? Math.log(model.classes) : undefined,
    learningRate: learningRateSchedule(config),
    evaluateEvery: config.evaluation.every,
    evaluateClientsEvery: config.data.holdout > 0 ? config.evaluation.clientEvery : 0,
    onClientFailure: config.stop.onClientFailure,
    patience: config.stop.patience,
    targetAccuracy: config.stop.targetAccuracy,
    checkpointEvery: config.checkpoint.every,
    checkpointKeep: config.checkpoint.keep,
    description: {
      model: model.name,
      dataset: federation.name,
      cohort,
      workers,
      executor: { name: executor.name, version: executor.version, fingerprint: executor.fingerprint },
      gradientsPerStep: simulation.gradientsPerStep,
      ...(mechanism === undefined ? {} : { privacy: describeMechanism(mechanism, config) }),
      ...(secureSum === undefined ? {} : { secureAggregation: describeSecureSum(secureSum) }),
    },
  };
  return { plan, simulation, model, federation };
}

/** What a client keeps must be what it sent: clipping would part the two, e.g. SCAFFOLD's c from the mean of its c_i. */
function requireClippable({ name }: Algorithm, { client }: Exchange, clipNorm: number): void {
  const kept = Object.keys(client);
  if (clipNorm === 0 || kept.length === 0) return;
  throw conflict(
    "aggregation.clipNorm",
    `${clipNorm}, with algorithm.name = "${name}", whose clients keep ${kept.join(", ")}`,
    "0",
    "Clipped updates would not match what clients keep. Bound single steps instead: training.gradientClip.",
  );
}

/** Where the server sees sums alone, the steps of single clients are none of its business. */
function requirePublicSteps({ name, countsSteps = false }: Algorithm, training: Config["training"]): void {
  if (!countsSteps || training.localSteps !== undefined) return;
  throw conflict(
    "training.localEpochs",
    `${training.localEpochs}, with algorithm.name = "${name}", under [privacy] or [secureAggregation]`,
    "training.localSteps instead",
    "The server computes with the number of local steps, which has to be public: the same for all clients.",
  );
}

/** Steps before the first host kernel move nothing (SOAP has no bases yet): clients with no others would send zeros. */
function requireSteps({ name }: Algorithm, plan: SimulationPlan, batchSize: number, budget: LocalBudget): void {
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

/** Examples of the client that has most. */
function largestClient(data: DataSpec): number {
  if (data.kind === "synthetic") return data.spec.examples;
  return data.offsets.reduce((most, end, i) => Math.max(most, end - (data.offsets[i - 1] ?? end)), 0);
}

/** Every part of the model should be sent in every round: with fewer clients some would rest on momentum alone. */
function requireSenders({ name, assign }: Algorithm, { parts }: Exchange, cohort: number): void {
  if (parts === undefined || assign !== undefined || parts.length <= cohort) return;
  throw conflict(
    "sampler.cohort",
    `${cohort}, with algorithm.name = "${name}", which cuts this model into ${parts.length} parts`,
    `at least ${parts.length}: a client for every part in every round`,
    `Raise sampler.cohort, or set algorithm.blocks = ${cohort} or less.`,
  );
}

function namedModel(config: Config, data: ModelData): Model {
  const { name, file: _file, initialWeights: _weights, ...options } = config.model;
  return createModel(name, data, options);
}

function namedMethod(config: Config, modelLayout: Layout): CheckedMethod {
  const { name, file: _file, ...options } = config.algorithm;
  const algorithm = createAlgorithm(name, options);
  return { algorithm, exchange: algorithm.exchange(modelLayout) };
}
