import { type Executor, interpreter, largest } from "@anabranch/engine";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { fedavg } from "../algorithms/fedavg.ts";
import { encodedSize } from "../protocol/message.ts";
import { rootKey } from "../random/index.ts";
import { assignParts } from "../round/assign-parts.ts";
import type { Outcome } from "../round/backend.ts";
import { commonVectors } from "../round/orders.ts";
import { sentBytes } from "../round/sent-bytes.ts";
import { type ClassifiedPoints, prepareProblem } from "../simulation/classified-points.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import type { Quadratics } from "../simulation/quadratics.ts";
import { type Case, check } from "./case.ts";
import { HETEROGENEOUS } from "./heterogeneous.ts";
import { type MethodOnProblem, methodCases, parametersByRound } from "./method-cases.ts";
import { runCohort } from "./run-cohort.ts";

interface Goal {
  readonly rounds: number;
  readonly learningRate: number;
  readonly within: number;
}

/** What a method tells the battery about itself. */
export type AlgorithmUnderTest = OnQuadratics | OnPoints;

interface Declared {
  readonly create: () => Algorithm;
  /** Floats a client receives and sends, mean over a cohort, in units of d, as the header of the method declares. */
  readonly wire: { readonly down: number; readonly up: number };
}

export interface OnQuadratics extends Declared {
  /** The method at parameters where it must equal FedAvg. */
  readonly neutral?: () => Algorithm;
  /** Blocks or shape of the quadratics' parameter, for methods that need some; the start of those that train another model. */
  readonly form?: Pick<Quadratics, "blocks" | "shape"> & Partial<Pick<Quadratics, "x0">>;
  /**
   * Distance to the joint optimum after `rounds` of full participation on easy quadratics. Absent: clients' models are none of
   * the server's, and a test of the method follows them.
   */
  readonly converges?: Goal | undefined;
}

/** A method that looks at classes: it has no meaning on quadratics. */
interface OnPoints extends Declared {
  readonly points: ClassifiedPoints;
}

/**
 * The battery every method joins by one line of its test. `native` is a float32 executor to compare with.
 *
 * @example
 * ```ts
 * import { fedavg } from "@anabranch/core";
 * import { algorithmCases } from "@anabranch/core/conformance";
 * import { interpreter } from "@anabranch/engine";
 * const goal = { rounds: 20, learningRate: 0.2, within: 1e-3 };
 * const subject = { create: () => fedavg(), wire: { down: 1, up: 1 }, converges: goal };
 * const cases = algorithmCases(subject, interpreter());
 * await cases[2]?.run(); // rejects where the method fails
 * cases[2]?.name; // => "sends what its header declares"
 * ```
 */
export function algorithmCases(subject: AlgorithmUnderTest, native: Executor): Case[] {
  return [
    ...("points" in subject ? [] : quadraticCases(subject, native)),
    { name: "sends what its header declares", run: () => wireCost(subject) },
    ...methodCases(onProblem(subject, HETEROGENEOUS), native),
  ];
}

function quadraticCases(subject: OnQuadratics, native: Executor): Case[] {
  const { converges: goal } = subject;
  return [
    ...(goal === undefined
      ? []
      : [{ name: "converges where clients agree on the minimum", run: () => converges(subject, goal) }]),
    { name: "equals FedAvg at neutral parameters", run: () => reduces(subject, native) },
  ];
}

/** On these quadratics, or on the points that the method needs. */
function onProblem(subject: AlgorithmUnderTest, quadratics: Quadratics): MethodOnProblem {
  const { create } = subject;
  const problem = "points" in subject ? subject.points : { ...quadratics, ...subject.form };
  return { create, prepare: (algorithm, executor) => prepareProblem(algorithm, problem, executor) };
}

async function converges(subject: OnQuadratics, goal: Goal): Promise<void> {
  const { create } = subject;
  const agreed = { ...HETEROGENEOUS, b: HETEROGENEOUS.a.map(() => [0.5, -0.25, 1]) };
  const cohorts = Array.from({ length: goal.rounds }, () => [0, 1, 2, 3]);
  const problem = onProblem(subject, { ...agreed, learningRate: goal.learningRate, cohorts });
  const rounds = await parametersByRound(problem, create(), interpreter());
  const last = rounds.at(-1)!;
  const distance = Math.hypot(...last.map((x, j) => x - agreed.b[0]![j]!));
  check(distance <= goal.within, `distance to the minimum ${distance} > ${goal.within} after ${goal.rounds} rounds`);
}

async function reduces(subject: OnQuadratics, native: Executor): Promise<void> {
  const { neutral } = subject;
  if (neutral === undefined) return;
  const exact = interpreter();
  const problem = onProblem(subject, HETEROGENEOUS);
  const run = (algorithm: Algorithm, executor: Executor) => parametersByRound(problem, algorithm, executor);
  const [ours, reference] = [await run(neutral(), exact), await run(fedavg(), exact)];
  check(
    JSON.stringify(ours) === JSON.stringify(reference),
    `on the interpreter: ${ours.at(-1)} is not ${reference.at(-1)}`,
  );
  const [fast, fastReference] = [await run(neutral(), native), await run(fedavg(), native)];
  const scale = largest(fastReference.flat().map(Math.abs));
  const worst = largest(fast.flat().map((x, i) => Math.abs(x - fastReference.flat()[i]!))) / scale;
  check(worst <= 1e-6, `on ${native.name}: relative difference ${worst}`);
}

async function wireCost(subject: AlgorithmUnderTest): Promise<void> {
  const { create, wire } = subject;
  const outcomes: Outcome[] = [];
  const executor = interpreter();
  const { plan, simulation } = onProblem(subject, HETEROGENEOUS).prepare(create(), executor);
  const { algorithm } = plan;
  const d = "points" in subject ? plan.layout.size : HETEROGENEOUS.x0.length;
  const { backend } = await inProcessSimulation(simulation, executor);
  const state = algorithm.init(plan.initial, plan.layout);
  const encoded = algorithm.encoded?.(state);
  const vectors = commonVectors(plan.payloads, algorithm.broadcast(state, {}, 1));
  const own = algorithm.own && ((client: number) => algorithm.own!(state, client, 1));
  const broadcast = { round: 1, vectors, ...(encoded === undefined ? {} : { encoded }), scalars: {} };
  const cohort = [0, 1, 2, 3];
  const parts = assignParts(plan, 1, cohort);
  const work = { broadcast, cohort, parts, own, learningRate: 0.1, keys: { compression: rootKey(0) } };
  await runCohort(backend, work, (outcome) => void outcomes.push(outcome));
  const floats = (vectors: object) =>
    Object.values(vectors).reduce((n: number, v: ArrayLike<number>) => n + v.length, 0);
  const alone = cohort.map((client) => own?.(client)).filter((given) => given !== undefined);
  const down = floats(broadcast.vectors) + alone.reduce((sum, given) => sum + floats(given), 0) / cohort.length;
  check(Math.abs(down - wire.down * d) < 1e-9, `${down} floats down on average, declared ${wire.down}d`);
  let sent = 0;
  for (const outcome of outcomes) {
    if ("failure" in outcome) throw new Error(outcome.failure.message);
    sent += floats(outcome.update.vectors) + floats(outcome.update.encoded ?? {}) / 8; // floats of 8 bytes
    const size = sentBytes(
      own === undefined ? {} : { own: own(outcome.client) },
      broadcast,
      encodedSize(broadcast),
      undefined,
    );
    check(outcome.bytesDown === size, "bytes down are not the encoded broadcast's");
    check(outcome.bytesUp === encodedSize(outcome.update), "bytes up are not the encoded update's");
  }
  check(
    Math.abs(sent / cohort.length - wire.up * d) < 1e-9,
    `${sent / cohort.length} floats up on average, declared ${wire.up}d`,
  );
}
