import { type Executor, interpreter, largest, type Program } from "@anabranch/engine";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { fedavg } from "../algorithms/fedavg.ts";
import { encodedSize } from "../protocol/message.ts";
import { assignParts } from "../round/assign-parts.ts";
import type { Outcome } from "../round/backend.ts";
import { type BlobStore, memoryBlobStore } from "../round/blob-store.ts";
import type { ClientStateStore } from "../round/client-state.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import { prepareQuadratics, type Quadratics } from "../simulation/quadratics.ts";
import { recording } from "../simulation/trace-federation.ts";
import { type Case, check } from "./case.ts";
import { HETEROGENEOUS } from "./heterogeneous.ts";
import { runCohort } from "./run-cohort.ts";

/** What a method tells the battery about itself. */
export interface AlgorithmUnderTest {
  readonly create: () => Algorithm;
  /** The method at parameters where it must equal FedAvg. */
  readonly neutral?: () => Algorithm;
  /** Blocks or shape of the quadratics' parameter, for methods that need some. */
  readonly form?: Pick<Quadratics, "blocks" | "shape">;
  /** Floats a client receives and sends, mean over a cohort, in units of d, as the header of the method declares. */
  readonly wire: { readonly down: number; readonly up: number };
  /** Distance to the joint optimum after `rounds` of full participation on easy quadratics. */
  readonly converges: { readonly rounds: number; readonly learningRate: number; readonly within: number };
}

/** The battery every method joins by one line of its test. `native` is a float32 executor to compare with. */
export function algorithmCases(subject: AlgorithmUnderTest, native: Executor): Case[] {
  return [
    { name: "converges where clients agree on the minimum", run: () => converges(subject) },
    { name: "equals FedAvg at neutral parameters", run: () => reduces(subject, native) },
    { name: "continues bit for bit from a checkpoint", run: () => resumes(subject) },
    { name: "sends what its header declares", run: () => wireCost(subject) },
    { name: "compiles once for all rounds", run: () => compilesOnce(subject) },
    { name: "declares whether its server half counts local steps", run: () => declaresSteps(subject) },
  ];
}

async function converges({ create, form, converges: goal }: AlgorithmUnderTest): Promise<void> {
  const agreed = { ...HETEROGENEOUS, ...form, b: HETEROGENEOUS.a.map(() => [0.5, -0.25, 1]) };
  const everyone = Array.from({ length: goal.rounds }, () => [0, 1, 2, 3]);
  const rounds = await run(create(), { ...agreed, learningRate: goal.learningRate, cohorts: everyone }, interpreter());
  const last = rounds.at(-1)!;
  const distance = Math.hypot(...last.map((x, j) => x - agreed.b[0]![j]!));
  check(distance <= goal.within, `distance to the minimum ${distance} > ${goal.within} after ${goal.rounds} rounds`);
}

async function reduces({ neutral, form }: AlgorithmUnderTest, native: Executor): Promise<void> {
  if (neutral === undefined) return;
  const exact = interpreter();
  const problem = { ...HETEROGENEOUS, ...form };
  const [ours, reference] = [await run(neutral(), problem, exact), await run(fedavg(), problem, exact)];
  check(
    JSON.stringify(ours) === JSON.stringify(reference),
    `on the interpreter: ${ours.at(-1)} is not ${reference.at(-1)}`,
  );
  const [fast, fastReference] = [await run(neutral(), problem, native), await run(fedavg(), problem, native)];
  const scale = largest(fastReference.flat().map(Math.abs));
  const worst = largest(fast.flat().map((x, i) => Math.abs(x - fastReference.flat()[i]!))) / scale;
  check(worst <= 1e-6, `on ${native.name}: relative difference ${worst}`);
}

async function resumes({ create, form }: AlgorithmUnderTest): Promise<void> {
  const problem = { ...HETEROGENEOUS, ...form };
  const whole = await run(create(), problem, interpreter());
  const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
  const half = { ...problem, cohorts: HETEROGENEOUS.cohorts.slice(0, 2) };
  await run(create(), half, interpreter(), stores);
  const rest = await run(create(), problem, interpreter(), { ...stores, clientStates: memoryClientStates() });
  check(rest.length === 2, `${rest.length} rounds after resuming at 2 of 4`);
  check(JSON.stringify(rest.at(-1)) === JSON.stringify(whole.at(-1)), `${rest.at(-1)} is not ${whole.at(-1)}`);
}

async function wireCost({ create, form, wire }: AlgorithmUnderTest): Promise<void> {
  const outcomes: Outcome[] = [];
  const d = HETEROGENEOUS.x0.length;
  const algorithm = create();
  const executor = interpreter();
  const { plan, simulation } = prepareQuadratics(algorithm, { ...HETEROGENEOUS, ...form }, executor);
  const { backend } = await inProcessSimulation(simulation, executor);
  const state = algorithm.init(plan.initial, plan.layout);
  const broadcast = { round: 1, vectors: algorithm.broadcast(state, {}, 1), scalars: {} };
  const cohort = [0, 1, 2, 3];
  const parts = assignParts(plan, 1, cohort);
  await runCohort(backend, { broadcast, cohort, parts, learningRate: 0.1 }, (outcome) => void outcomes.push(outcome));
  const floats = (vectors: object) =>
    Object.values(vectors).reduce((n: number, v: ArrayLike<number>) => n + v.length, 0);
  check(
    Math.abs(floats(broadcast.vectors) - wire.down * d) < 1e-9,
    `${floats(broadcast.vectors)} floats down, declared ${wire.down}d`,
  );
  let sent = 0;
  for (const outcome of outcomes) {
    if ("failure" in outcome) throw new Error(outcome.failure.message);
    sent += floats(outcome.update.vectors);
    check(outcome.bytesDown === encodedSize(broadcast), "bytes down are not the encoded broadcast's");
    check(outcome.bytesUp === encodedSize(outcome.update), "bytes up are not the encoded update's");
  }
  check(
    Math.abs(sent / cohort.length - wire.up * d) < 1e-9,
    `${sent / cohort.length} floats up on average, declared ${wire.up}d`,
  );
}

async function compilesOnce({ create, form }: AlgorithmUnderTest): Promise<void> {
  const base = interpreter();
  let loads = 0;
  const load = (program: Program) => {
    loads++;
    return base.load(program);
  };
  const counting: Executor = { ...base, load };
  const problem = { ...HETEROGENEOUS, ...form };
  await run(create(), problem, counting);
  const { program } = prepareQuadratics(create(), problem, base).simulation.task;
  const segments = "refresh" in program ? 3 : 1;
  check(loads === segments + 1, `${loads} programs were loaded, not ${segments} of the local task and one evaluation`);
}

async function declaresSteps({ create, form }: AlgorithmUnderTest): Promise<void> {
  const algorithm = create();
  let read = false;
  const watched: Algorithm = {
    ...algorithm,
    update(state, aggregate, { localSteps, weightedSteps, ...round }) {
      const counted = (steps: number) => {
        read = true;
        return steps;
      };
      return algorithm.update(state, aggregate, {
        ...round,
        get localSteps() {
          return counted(localSteps);
        },
        get weightedSteps() {
          return counted(weightedSteps);
        },
      });
    },
  };
  await run(watched, { ...HETEROGENEOUS, ...form }, interpreter());
  check(read === (algorithm.countsSteps ?? false), `countsSteps is ${algorithm.countsSteps}, but reads are ${read}`);
}

/** Global parameters after every round. */
async function run(
  algorithm: Algorithm,
  problem: Quadratics,
  executor: Executor,
  stores: { checkpoints: BlobStore; clientStates: ClientStateStore } = {
    checkpoints: memoryBlobStore(),
    clientStates: memoryClientStates(),
  },
): Promise<number[][]> {
  const rounds: number[][] = [];
  const recorded = recording(algorithm, (parameters) => rounds.push(Array.from(parameters)));
  const { plan, simulation } = prepareQuadratics(recorded, problem, executor);
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  await runFederation(plan, { backend, evaluator, ...stores, emit: () => {} });
  await close();
  return rounds;
}
