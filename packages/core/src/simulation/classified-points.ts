import { AnabranchError, type Executor, hashText } from "@anabranch/engine";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { frozenBase, mlp, withBottlenecks } from "../models/index.ts";
import { layout } from "../params/layout.ts";
import { splitParameters } from "../params/standing.ts";
import { ownLayers } from "./held-selectors.ts";
import { type PreparedTrace, prepareTrace, type TraceSettings } from "./prepare-trace.ts";
import { prepareQuadratics, type Quadratics } from "./quadratics.ts";
import { frozenOutsideTail } from "./split-run.ts";

/**
 * A federation of points with classes, for methods that look at classes or at what enters a head. The model has one hidden
 * layer of relu; each local step takes all points of a client, so that its gradients can be followed by hand. What the
 * method keeps personal or frozen by default is so here.
 */
export interface ClassifiedPoints extends TraceSettings {
  /** [points, inputs] */
  readonly points: readonly (readonly number[])[];
  /** [points] */
  readonly labels: readonly number[];
  /** Client of each point, from 0 up; each has one at least. */
  readonly owners: readonly number[];
  readonly classes: number;
  /** Width of the hidden layer. */
  readonly hidden: number;
  /** Hidden layers of that width, for methods that cut the model between them. Default 1. */
  readonly layers?: number | undefined;
  /** Units of an adapter after the hidden layer, for methods that train such beside a frozen model. Default: no adapter. */
  readonly bottleneck?: number | undefined;
}

/** Problems on which methods are traced. */
export type TracedProblem = Quadratics | ClassifiedPoints;

/**
 * Prepares a method on either problem for the round loop.
 *
 * @example
 * ```ts
 * import { fedavg, prepareProblem } from "@anabranch/core";
 * import { interpreter } from "@anabranch/engine";
 * const problem = {
 *   ...{ points: [[1], [-1]], labels: [0, 1], owners: [0, 1], classes: 2, hidden: 1 },
 *   ...{ x0: [0, 1, 0, 0, 1, -1], learningRate: 0.1, localSteps: 1, cohorts: [[0, 1]] },
 * };
 * const { plan } = prepareProblem(fedavg(), problem, interpreter());
 * plan.population; // => 2
 * ```
 */
export function prepareProblem(method: Algorithm, problem: TracedProblem, executor: Executor): PreparedTrace {
  return "points" in problem ? preparePoints(method, problem, executor) : prepareQuadratics(method, problem, executor);
}

function preparePoints(method: Algorithm, problem: ClassifiedPoints, executor: Executor) {
  const { points, labels, owners, classes, hidden, layers: depth = 1, bottleneck: units } = problem;
  requireFits(problem);
  const plain = mlp({
    input: [points[0]!.length],
    inputType: "float",
    hidden: Array.from({ length: depth }, () => hidden),
    classes,
  });
  const configured = units === undefined ? plain : withBottlenecks(plain, { units });
  const model = method.trains?.(configured) ?? configured;
  const whole = layout(model.parameters);
  if (problem.x0.length !== whole.size)
    throw misfit("x0", `${problem.x0.length} values`, `${whole.size} values, as the model has`);
  const rows = Array.from({ length: clientsOf(problem) }, (_, client) =>
    Int32Array.from(owners.flatMap((owner, row) => (owner === client ? [row] : []))),
  );
  const { personal, frozen = frozenOutsideTail(model, method) } = method;
  const layers = ownLayers(personal, model);
  const still = [...frozenBase(model), ...layers.map((layer) => `!${layer}`), ...frozen];
  return prepareTrace(method, problem, executor, {
    model,
    split: splitParameters(whole, { personal: layers, frozen: units === undefined ? frozen : still }),
    features: points,
    labels: Uint8Array.from(labels),
    outputs: classes,
    rows,
    batchSize: Math.max(...rows.map(({ length }) => length)),
    dataHash: hashText(JSON.stringify([points, labels, owners])),
  });
}

function clientsOf({ owners }: ClassifiedPoints): number {
  return Math.max(...owners) + 1;
}

function requireFits(problem: ClassifiedPoints): void {
  const { points, labels, owners } = problem;
  const fail = (where: string, received: string, expected: string): never => {
    throw misfit(where, received, expected);
  };
  for (const [name, list] of Object.entries({ labels, owners }))
    if (list.length !== points.length)
      fail(name, `${list.length} values`, `${points.length} values, one for each point`);
  const clients = clientsOf(problem);
  if (new Set(owners).size !== clients)
    fail("owners", "a client without points", `points of clients 0 to ${clients - 1}`);
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
