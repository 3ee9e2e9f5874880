import { AnabranchError, type Executor, hashText } from "@anabranch/engine";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { quadratic } from "../models/index.ts";
import { type Layout, layout } from "../params/layout.ts";
import { type ParameterSplit, splitParameters } from "../params/standing.ts";
import { type PreparedTrace, prepareTrace, type TraceSettings } from "./prepare-trace.ts";

/** A federation of quadratics F_i(x) = 0.5 * sum_j a_ij (x_j - b_ij)^2, whose gradients are exact. */
export interface Quadratics extends TraceSettings {
  /** Curvatures, [rows, d]. */
  readonly a: readonly (readonly number[])[];
  /** Minima, [rows, d]. */
  readonly b: readonly (readonly number[])[];
  /**
   * Client of each row, from 0 up; absent: a row per client. With several rows F_i is their mean, and every local step takes
   * one of them, so gradients are noisy.
   */
  readonly owners?: readonly number[] | undefined;
  /** Coordinates that stay as they are and do not travel. */
  readonly frozen?: readonly number[] | undefined;
  /** Divides the coordinates, for methods whose clients send blocks. */
  readonly blocks?: QuadraticBlocks | undefined;
  /** Coordinates that clients keep to themselves; some have to be shared. Default: none. */
  readonly personal?: readonly number[] | undefined;
  /** Shape of x, for methods that treat matrices apart; absent: [d]. */
  readonly shape?: readonly number[] | undefined;
}

export interface QuadraticBlocks {
  /** Coordinates of each block; those in none belong to all blocks. */
  readonly coordinates: readonly (readonly number[])[];
  /** For each round the block that each client of its cohort sends; absent: dealt out at random. */
  readonly assignment?: readonly (readonly number[])[] | undefined;
}

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
export function prepareQuadratics(method: Algorithm, problem: Quadratics, executor: Executor): PreparedTrace {
  requireShapes(problem);
  const { a, b, shape } = problem;
  const d = a[0]!.length;
  const blocks = problem.blocks ?? (holdsCoordinates(problem) ? { coordinates: [[...a[0]!.keys()]] } : undefined);
  const configured = quadratic({
    input: [2 * d],
    inputType: "float",
    ...(blocks === undefined ? {} : { blocks: blocks.coordinates.map((block) => [...block]) }),
    ...(shape === undefined ? {} : { shape: [...shape] }),
  });
  const rows = rowsByClient(problem);
  const model = method.trains?.(configured) ?? configured;
  return prepareTrace(assigned(method, problem.blocks?.assignment), problem, executor, {
    model,
    split: splitCoordinates(layout(model.parameters), problem, method),
    features: a.map((row, i) => [...row, ...b[i]!]),
    labels: new Uint8Array(a.length),
    outputs: 1,
    rows,
    batchSize: 1,
    dataHash: hashText(JSON.stringify(problem.owners === undefined ? [a, b] : [a, b, problem.owners])),
  });
}

function holdsCoordinates({ personal = [], frozen = [] }: Quadratics): boolean {
  return personal.length + frozen.length > 0;
}

/**
 * Some coordinates as personal or frozen parameters; they are parameters of their own, in order. Where the method trains
 * another model, it says which are personal.
 */
function splitCoordinates(
  whole: Layout,
  problem: Quadratics,
  { trains, personal: own }: Algorithm,
): ParameterSplit | undefined {
  const { personal = [], frozen = [], x0 } = problem;
  if (x0.length !== whole.size) throw misfit("x0", `${x0.length} values`, `${whole.size} values, as the model has`);
  if (trains !== undefined && own !== undefined) return splitParameters(whole, { personal: own.layers });
  if (!holdsCoordinates(problem)) return undefined;
  const names = (coordinates: readonly number[]) => coordinates.map((j) => whole.entries[j]!.name);
  return splitParameters(whole, { personal: names(personal), frozen: names(frozen) });
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
