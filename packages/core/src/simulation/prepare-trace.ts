import type { Executor } from "@anabranch/engine";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { arrayDataSpec } from "../client/data-source.ts";
import type { OrderDuration } from "../clock/index.ts";
import type { Model } from "../models/index.ts";
import { layout } from "../params/layout.ts";
import { heldOf, type ParameterSplit, partOf } from "../params/standing.ts";
import type { DownCompression, UploadCompression } from "../pipeline/index.ts";
import type { MechanismSettings } from "../privacy/mechanisms/index.ts";
import type { RunPlan } from "../round/run-plan.ts";
import { type Schedule, synchronous } from "../schedule/index.ts";
import { scriptedSampler } from "../selection/sampler.ts";
import { ownCompression, withEstimates } from "./compression.ts";
import type { PublicTrainingParts } from "./public-examples.ts";
import { type SimulationSpec, simulationSpec } from "./simulation-spec.ts";
import { withWidths } from "./sub-model-run.ts";

/** What traces on all problems have: where they start, how clients train, who does, and what acts on the updates. */
export interface TraceSettings {
  /** Start, [d]: all parameters of the model that is trained, in order of their names. */
  readonly x0: readonly number[];
  readonly learningRate: number;
  readonly localSteps: number;
  /** Momentum of the local optimizer. Default 0. */
  readonly momentum?: number | undefined;
  /** Decay of the local optimizer. Default 0. */
  readonly weightDecay?: number | undefined;
  /** Clients of each round. */
  readonly cohorts: readonly (readonly number[])[];
  /** Another schedule than rounds of `cohorts`, of which then only the number counts, and how long clients take. */
  readonly asynchronous?: { readonly schedule: Schedule; readonly durations: OrderDuration } | undefined;
  /** Client-level differential privacy: a clip norm, and what else differs from flat clipping without noise. */
  readonly privacy?: (Pick<MechanismSettings, "clipNorm"> & Partial<MechanismSettings>) | undefined;
  /** How uploads are compressed; absent: not at all. */
  readonly compression?: UploadCompression | undefined;
  /** How broadcasts are compressed; absent: not at all. */
  readonly down?: DownCompression | undefined;
}

/** The examples of a trace and the model on them. */
export interface TraceExamples {
  readonly model: Model;
  /** Parameters that do not travel; undefined: all do. */
  readonly split: ParameterSplit | undefined;
  readonly features: readonly (readonly number[])[];
  readonly labels: Uint8Array;
  /** Numbers that the model gives for an example. */
  readonly outputs: number;
  /** Of each client. */
  readonly rows: readonly Int32Array[];
  readonly batchSize: number;
  readonly dataHash: string;
}

/** A trace, ready for the round loop. */
export interface PreparedTrace {
  readonly plan: RunPlan;
  readonly simulation: SimulationSpec;
  /** Where the server of the method trains: on the examples of all clients. */
  readonly publicTraining: PublicTrainingParts | undefined;
}

const noiseless = {
  clipping: "flat",
  distribution: "gaussian",
  noise: "central",
  noiseMultiplier: 0,
  minimumSurvivors: 1,
  source: { kind: "seeded" },
} as const satisfies Partial<MechanismSettings>;

/** Prepares a method on a few examples for the round loop: the same tasks and server halves as in any run. */
export function prepareTrace(
  method: Algorithm,
  problem: TraceSettings,
  executor: Executor,
  { model, split, features, labels, outputs, rows, batchSize, dataHash }: TraceExamples,
): PreparedTrace {
  const { x0, cohorts } = problem;
  const { float } = executor;
  const pack = (values: readonly number[]) =>
    float === "float64" ? Float64Array.from(values) : Float32Array.from(values);
  const wholeLayout = layout(model.parameters);
  const held = split && heldOf(split, pack(x0));
  const modelLayout = held?.split.shared ?? wholeLayout;
  const publicOutputs = [features.length, outputs] as const; // those of all clients
  const settings = { ...problem, ...(method.usesPublicExamples === true ? { publicOutputs } : {}) };
  const plain = { algorithm: method, payloads: method.payloads(modelLayout, settings) };
  const { subModels, ...whole } = withWidths(plain, model, modelLayout, problem);
  const compression = problem.compression ?? ownCompression(method);
  const { algorithm, payloads } = withEstimates(whole, compression);
  const privacy = problem.privacy && { ...noiseless, denominator: cohorts[0]!.length, ...problem.privacy };
  const stages = { weighting: "uniform", clipNorm: 0, privacy, compression, down: problem.down } as const;
  const data = arrayDataSpec(
    { dtype: "float", shape: [features.length, features[0]!.length], data: pack(features.flat()) },
    { dtype: model.labels.dtype, shape: [features.length], data: labels },
    rows,
  );
  const simulation = simulationSpec({
    algorithm,
    model,
    layout: modelLayout,
    held,
    payloads,
    subModels,
    float,
    training: {
      ...{ batchSize, gradientClip: 0, nesterov: false },
      ...{ momentum: problem.momentum ?? 0, weightDecay: problem.weightDecay ?? 0 },
    },
    budget: { localSteps: problem.localSteps },
    stages,
    evaluationBatch: 1,
    initial: pack(x0),
    sources: { train: data, holdout: undefined, test: data, publicSet: data },
  });
  const plan: RunPlan = {
    id: "quadratics",
    name: "quadratics",
    configHash: "quadratics",
    dataHash,
    seed: 0,
    rounds: cohorts.length,
    population: rows.length,
    algorithm,
    layout: modelLayout,
    held,
    payloads,
    initial: partOf(wholeLayout, pack(x0), modelLayout),
    sampler: scriptedSampler(cohorts),
    stages,
    float,
    stageSeed: 0,
    schedule: problem.asynchronous?.schedule ?? synchronous,
    durations: problem.asynchronous?.durations,
    localSteps: problem.localSteps,
    learningRate: () => problem.learningRate,
    evaluateEvery: 0,
    evaluateClientsEvery: 0,
    onClientFailure: "stop",
    patience: 0,
    targetAccuracy: undefined,
    checkpointEvery: 1,
    checkpointKeep: 1,
    description: {
      model: model.name,
      dataset: "quadratics",
      cohort: cohorts[0]!.length,
      workers: 0,
      executor: { name: executor.name, version: executor.version, fingerprint: "" },
      gradientsPerStep: simulation.gradientsPerStep,
    },
  };
  const publicTraining = method.publicTraining && {
    model,
    layout: modelLayout,
    subModels,
    examples: data,
    seed: plan.seed,
  };
  return { plan, simulation, publicTraining };
}
