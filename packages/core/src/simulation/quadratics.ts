import { AnabranchError, type Executor, hashText } from "@anabranch/engine";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { arrayDataSpec } from "../client/data-source.ts";
import type { OrderDuration } from "../clock/index.ts";
import { quadratic } from "../models/index.ts";
import { type Layout, layout } from "../params/layout.ts";
import { type HeldParameters, heldOf, partOf, type Selectors, splitParameters } from "../params/standing.ts";
import type { DownCompression, UploadCompression } from "../pipeline/index.ts";
import type { MechanismSettings } from "../privacy/mechanisms/index.ts";
import type { RunPlan } from "../round/run-plan.ts";
import { type Schedule, synchronous } from "../schedule/index.ts";
import { scriptedSampler } from "../selection/sampler.ts";
import { ownCompression, withEstimates } from "./compression.ts";
import { type SimulationSpec, simulationSpec } from "./simulation-spec.ts";
import { withWidths } from "./sub-model-run.ts";

/** A federation of quadratics F_i(x) = 0.5 * sum_j a_ij (x_j - b_ij)^2, whose gradients are exact. */
export interface Quadratics {
  /** Curvatures, [rows, d]. */
  readonly a: readonly (readonly number[])[];
  /** Minima, [rows, d]. */
  readonly b: readonly (readonly number[])[];
  /**
   * Client of each row, from 0 up; absent: a row per client. With several rows F_i is their mean, and every local step takes
   * one of them, so gradients are noisy.
   */
  readonly owners?: readonly number[] | undefined;
  /** Start, [d]; of methods that train another model, all of its parameters, in order of their names. */
  readonly x0: readonly number[];
  readonly learningRate: number;
  readonly localSteps: number;
  /** Momentum of the local optimizer. Default 0. */
  readonly momentum?: number | undefined;
  /** Decay of the local optimizer. Default 0. */
  readonly weightDecay?: number | undefined;
  /** Coordinates that stay as they are and do not travel. */
  readonly frozen?: readonly number[] | undefined;
  /** Clients of each round. */
  readonly cohorts: readonly (readonly number[])[];
  /** Divides the coordinates, for methods whose clients send blocks. */
  readonly blocks?: QuadraticBlocks | undefined;
  /** Coordinates that clients keep to themselves; some have to be shared. Default: none. */
  readonly personal?: readonly number[] | undefined;
  /** Shape of x, for methods that treat matrices apart; absent: [d]. */
  readonly shape?: readonly number[] | undefined;
  /** Another schedule than rounds of `cohorts`, of which then only the number counts, and how long clients take. */
  readonly asynchronous?: { readonly schedule: Schedule; readonly durations: OrderDuration } | undefined;
  /** Client-level differential privacy: a clip norm, and what else differs from flat clipping without noise. */
  readonly privacy?: (Pick<MechanismSettings, "clipNorm"> & Partial<MechanismSettings>) | undefined;
  /** How uploads are compressed; absent: not at all. */
  readonly compression?: UploadCompression | undefined;
  /** How broadcasts are compressed; absent: not at all. */
  readonly down?: DownCompression | undefined;
}

export interface QuadraticBlocks {
  /** Coordinates of each block; those in none belong to all blocks. */
  readonly coordinates: readonly (readonly number[])[];
  /** For each round the block that each client of its cohort sends; absent: dealt out at random. */
  readonly assignment?: readonly (readonly number[])[] | undefined;
}

const noiseless = {
  clipping: "flat",
  distribution: "gaussian",
  noise: "central",
  noiseMultiplier: 0,
  minimumSurvivors: 1,
  source: { kind: "seeded" },
} as const satisfies Partial<MechanismSettings>;

/**
 * Prepares a method on quadratics for the round loop: the same tasks and server halves as in any run.
 *
 * @example
 * ```ts
 * import { fedavg, prepareQuadratics } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const problem = { a: [[1, 1]], b: [[2, 0]], x0: [0, 3], learningRate: 0.5, localSteps: 1, cohorts: [[0], [0]] };
 * const { plan } = prepareQuadratics(fedavg(), problem, interpreter());
 * plan.initial; // => [0, 3]
 * plan.rounds; // => 2
 * ```
 */
export function prepareQuadratics(
  method: Algorithm,
  problem: Quadratics,
  executor: Executor,
): { plan: RunPlan; simulation: SimulationSpec } {
  requireShapes(problem);
  const { a, b, x0, cohorts, shape } = problem;
  const d = a[0]!.length;
  const blocks = problem.blocks ?? (holdsCoordinates(problem) ? { coordinates: [[...a[0]!.keys()]] } : undefined);
  const rows = rowsByClient(problem);
  const { float } = executor;
  const assigning = assigned(method, problem.blocks?.assignment);
  const configured = quadratic({
    input: [2 * d],
    inputType: "float",
    ...(blocks === undefined ? {} : { blocks: blocks.coordinates.map((block) => [...block]) }),
    ...(shape === undefined ? {} : { shape: [...shape] }),
  });
  const model = method.trains?.(configured) ?? configured;
  const wholeLayout = layout(model.parameters);
  const held = heldCoordinates(wholeLayout, problem, method, float);
  const modelLayout = held?.split.shared ?? wholeLayout;
  const publicOutputs = [a.length, 1] as const; // those of all clients
  const settings = { ...problem, ...(method.usesPublicExamples === true ? { publicOutputs } : {}) };
  const plain = { algorithm: assigning, payloads: assigning.payloads(modelLayout, settings) };
  const { subModels, ...whole } = withWidths(plain, model, modelLayout, problem);
  const compression = problem.compression ?? ownCompression(method);
  const { algorithm, payloads } = withEstimates(whole, compression);
  const privacy = problem.privacy && { ...noiseless, denominator: cohorts[0]!.length, ...problem.privacy };
  const stages = { weighting: "uniform", clipNorm: 0, privacy, compression, down: problem.down } as const;
  const pack = (values: readonly number[]) =>
    float === "float64" ? Float64Array.from(values) : Float32Array.from(values);
  const data = arrayDataSpec(
    { dtype: "float", shape: [a.length, 2 * d], data: pack(a.flatMap((row, i) => [...row, ...b[i]!])) },
    { dtype: model.labels.dtype, shape: [a.length], data: new Uint8Array(a.length) },
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
      ...{ batchSize: 1, gradientClip: 0, nesterov: false },
      ...{ momentum: problem.momentum ?? 0, weightDecay: problem.weightDecay ?? 0 },
    },
    budget: { localSteps: problem.localSteps },
    stages,
    evaluationBatch: 1,
    initial: pack(x0),
    sources: { train: data, holdout: undefined, test: data, publicFeatures: data.features },
  });
  const plan: RunPlan = {
    id: "quadratics",
    name: "quadratics",
    configHash: "quadratics",
    dataHash: hashText(JSON.stringify(problem.owners === undefined ? [a, b] : [a, b, problem.owners])),
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
  return { plan, simulation };
}

function holdsCoordinates({ personal = [], frozen = [] }: Quadratics): boolean {
  return personal.length + frozen.length > 0;
}

/**
 * Some coordinates as personal or frozen parameters; they are parameters of their own, in order. Where the method trains
 * another model, it says which are personal.
 */
function heldCoordinates(
  whole: Layout,
  problem: Quadratics,
  { trains, personal: own }: Algorithm,
  float: "float32" | "float64",
): HeldParameters | undefined {
  const { personal = [], frozen = [], x0 } = problem;
  if (x0.length !== whole.size) throw misfit("x0", `${x0.length} values`, `${whole.size} values, as the model has`);
  const held = (selectors: { readonly personal?: Selectors; readonly frozen?: Selectors }) =>
    heldOf(splitParameters(whole, selectors), float === "float64" ? Float64Array.from(x0) : Float32Array.from(x0));
  if (trains !== undefined && own !== undefined) return held({ personal: own.layers });
  if (!holdsCoordinates(problem)) return undefined;
  const names = (coordinates: readonly number[]) => coordinates.map((j) => whole.entries[j]!.name);
  return held({ personal: names(personal), frozen: names(frozen) });
}

/** The rows of each client; none of a client that owns none. */
function rowsByClient({ a, owners }: Quadratics): Int32Array[] {
  if (owners === undefined) return a.map((_, row) => Int32Array.of(row));
  const rows = Map.groupBy(owners.keys(), (row) => owners[row]!);
  return Array.from({ length: rows.size }, (_, client) => Int32Array.from(rows.get(client) ?? []));
}

/** The method with parts as the problem assigns them. */
function assigned(method: Algorithm, assignment: QuadraticBlocks["assignment"]): Algorithm {
  if (assignment === undefined) return method;
  return { ...method, assign: (_parts, _cohort, _key, round) => assignment[round - 1]! };
}

function requireShapes(problem: Quadratics): void {
  const { a, b, cohorts, blocks } = problem;
  const fail = (where: string, received: string, expected: string): never => {
    throw misfit(where, received, expected);
  };
  if (b.length !== a.length) fail("b", `${b.length} clients`, `${a.length} clients, as in a`);
  for (const [name, rows] of [
    ["a", a],
    ["b", b],
  ] as const) {
    const odd = rows.findIndex((r) => r.length !== a[0]!.length);
    if (odd >= 0) fail(`${name}[${odd}]`, `${rows[odd]!.length} values`, `${a[0]!.length} values, as in a[0]`);
  }
  const clients = rowsByClient(problem);
  const empty = clients.findIndex((rows) => rows.length === 0);
  if (empty >= 0 || (problem.owners ?? a).length !== a.length)
    fail("owners", "another numbering", `a client from 0 up for each of ${a.length} rows, and none without a row`);
  const stranger = cohorts.flat().find((client) => client >= clients.length);
  if (stranger !== undefined) fail("cohorts", `client ${stranger}`, `clients 0 to ${clients.length - 1}`);
  const { assignment } = blocks ?? {};
  if (assignment !== undefined && assignment.length !== cohorts.length)
    fail("blocks.assignment", `${assignment.length} rounds`, `${cohorts.length} rounds, as in cohorts`);
}

function misfit(where: string, received: string, expected: string): AnabranchError {
  return new AnabranchError({
    code: "trace/shape",
    message: "the problem's parts do not fit",
    where,
    received,
    expected,
  });
}
