import { type Executor, interpreter, type Program } from "@anabranch/engine";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { type BlobStore, memoryBlobStore } from "../round/blob-store.ts";
import type { ClientStateStore } from "../round/client-state.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import type { RunPlan } from "../round/run-plan.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import type { PublicTrainingParts } from "../simulation/public-examples.ts";
import { openPublicTrainer } from "../simulation/public-trainer.ts";
import type { SimulationSpec } from "../simulation/simulation-spec.ts";
import { recording } from "../simulation/trace-federation.ts";
import { type Case, check, checkSame } from "./case.ts";
import { alteredBackend } from "./run-cohort.ts";

/** A method on a problem of a few rounds. */
export interface MethodOnProblem {
  create(): Algorithm;
  /** A run of the method, 4 rounds or more, for an executor. */
  prepare(algorithm: Algorithm, executor: Executor): PreparedMethod;
}

export interface PreparedMethod {
  readonly plan: RunPlan;
  readonly simulation: SimulationSpec;
  readonly publicTraining?: PublicTrainingParts | undefined;
}

/** Where a run keeps its checkpoints and its clients' states; other rounds than the plan's. */
interface RunSettings {
  readonly rounds?: number;
  readonly checkpoints?: BlobStore;
  readonly clientStates?: ClientStateStore;
}

/** Distance between float32 and float64 results that rounding explains, over the length of the parameters. */
const ROUNDING = 1e-3;

/**
 * What holds for every method, whatever it computes. `native` is a float32 executor.
 *
 * @example
 * ```ts
 * import { fedavg, prepareQuadratics } from "@anabranch/core";
 * import { type MethodOnProblem, methodCases } from "@anabranch/core/conformance";
 * import { interpreter } from "@anabranch/engine";
 * const cohorts = [[0], [0], [0], [0]];
 * const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts };
 * const subject: MethodOnProblem = {
 *   create: () => fedavg(),
 *   prepare: (algorithm, executor) => prepareQuadratics(algorithm, problem, executor),
 * };
 * const [first] = methodCases(subject, interpreter());
 * await first?.run(); // rejects where the method fails
 * first?.name; // => "continues bit for bit from a checkpoint"
 * ```
 */
export function methodCases(subject: MethodOnProblem, native: Executor): Case[] {
  return [
    { name: "continues bit for bit from a checkpoint", run: () => resumes(subject) },
    { name: "sends what it declares", run: () => sendsDeclared(subject) },
    { name: "compiles once for all rounds", run: () => compilesOnce(subject) },
    { name: "declares whether its server half counts local steps", run: () => declaresSteps(subject) },
    { name: "gives the same bits when it is repeated", run: () => repeats(subject, native) },
    { name: "gives the same results in float32 and float64, up to rounding", run: () => agrees(subject, native) },
  ];
}

/** Global parameters after every round. */
export async function parametersByRound(
  { prepare }: MethodOnProblem,
  algorithm: Algorithm,
  executor: Executor,
  settings: RunSettings = {},
): Promise<number[][]> {
  const found: number[][] = [];
  const recorded = recording(algorithm, (parameters) => found.push(Array.from(parameters)));
  const { plan, simulation, publicTraining } = prepare(recorded, executor);
  const training = openPublicTrainer(publicTraining, executor);
  found.length = 0; // an own method has been tried by now
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  const { rounds = plan.rounds, checkpoints = memoryBlobStore(), clientStates = memoryClientStates() } = settings;
  try {
    const failing = { ...plan, rounds, onClientFailure: "stop" } as const;
    const ports = { backend, evaluator, checkpoints, clientStates, trainer: training?.trainer };
    await runFederation(failing, { ...ports, emit: () => {} });
  } finally {
    await close();
  }
  return found;
}

async function resumes(subject: MethodOnProblem): Promise<void> {
  const run = (settings: RunSettings) => parametersByRound(subject, subject.create(), interpreter(), settings);
  const whole = await run({});
  const checkpoints = memoryBlobStore();
  await run({ rounds: 2, checkpoints });
  const rest = await run({ checkpoints });
  check(rest.length === whole.length - 2, `${rest.length} rounds after resuming at 2 of ${whole.length}`);
  const different = firstDifference(rest.at(-1)!, whole.at(-1)!);
  check(different === undefined, `after resuming at round 2, ${different}. State must be in what \`update\` returns`);
}

async function sendsDeclared({ create, prepare }: MethodOnProblem): Promise<void> {
  const executor = interpreter();
  const { plan, simulation, publicTraining } = prepare(create(), executor);
  const { upload, broadcast, own = [], parts, replay } = plan.payloads;
  const compressed = plan.stages.compression?.vectors ?? [];
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  // what single clients are given comes with their orders; a model that clients rebuild does not travel, and what travels in
  // its place is not for the client half
  const common = Object.keys(broadcast).filter((name) => !own.includes(name));
  const sent = common.filter((name) => replay === undefined || name !== "parameters");
  const declared = sent.map((name) => [name, broadcast[name]!.size]);
  const known = (name: string) => replay === undefined || sent.includes(name);
  const watched = alteredBackend(
    backend,
    (outcome, { part }) => {
      if ("failure" in outcome) throw new Error(outcome.failure.message);
      for (const [name, { codec, layout }] of Object.entries(upload)) {
        if (codec !== undefined || compressed.includes(name)) continue; // its size depends on the values
        const { size } = part === undefined ? layout : parts![part]![name]!;
        const length = outcome.update.vectors[name]?.length;
        check(length === size, `${length ?? "no"} floats of upload.${name}, declared ${size}`);
      }
      return outcome;
    },
    ({ vectors }) => {
      const lengths = Object.entries(vectors).filter(([name]) => known(name));
      checkSame(sorted(lengths.map(([name, { length }]) => [name, length])), sorted(declared));
    },
  );
  try {
    const [checkpoints, clientStates] = [memoryBlobStore(), memoryClientStates()];
    const training = openPublicTrainer(publicTraining, executor);
    const ports = { backend: watched, evaluator, checkpoints, clientStates, trainer: training?.trainer };
    await runFederation(plan, { ...ports, emit: () => {} });
  } finally {
    await close();
  }
}

async function compilesOnce(subject: MethodOnProblem): Promise<void> {
  const base = interpreter();
  const loaded: string[] = [];
  const load = (program: Program) => {
    loaded.push(program.hash);
    return base.load(program);
  };
  const algorithm = subject.create();
  await parametersByRound(subject, algorithm, { ...base, load });
  check(new Set(loaded).size === loaded.length, "a program was loaded twice");
  if (algorithm.publicTraining !== undefined) return; // its server has programs of its own
  const { task } = subject.prepare(subject.create(), base).simulation;
  const programs = new Set((task.tiers ?? [task]).map(({ program }) => program));
  const segments = [...programs].reduce((sum, program) => sum + ("refresh" in program ? 3 : 1), 0);
  check(
    loaded.length === segments + 1,
    `${loaded.length} programs were loaded, not ${segments} of the local task and one evaluation`,
  );
}

async function declaresSteps(subject: MethodOnProblem): Promise<void> {
  const algorithm = subject.create();
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
  await parametersByRound(subject, watched, interpreter());
  check(read === (algorithm.countsSteps ?? false), `countsSteps is ${algorithm.countsSteps}, but reads are ${read}`);
}

async function repeats(subject: MethodOnProblem, native: Executor): Promise<void> {
  const algorithm = subject.create();
  const first = await parametersByRound(subject, algorithm, native);
  const second = await parametersByRound(subject, algorithm, native);
  const round = first.findIndex((parameters, index) => firstDifference(second[index]!, parameters) !== undefined);
  if (round < 0) return;
  const found = firstDifference(second[round]!, first[round]!);
  throw new Error(`in round ${round + 1} ${found}. A method must not use Math.random, the time or outer variables`);
}

async function agrees(subject: MethodOnProblem, native: Executor): Promise<void> {
  const exact = (await parametersByRound(subject, subject.create(), interpreter())).flat();
  const fast = (await parametersByRound(subject, subject.create(), native)).flat();
  check(exact.every(Number.isFinite), "parameters are not finite");
  const distance = norm(exact.map((x, i) => x - fast[i]!)) / norm(exact);
  const advice = "Divisions by numbers near 0 and comparisons magnify rounding";
  check(distance <= ROUNDING, `on ${native.name} they are ${distance.toExponential(1)} apart, relatively. ${advice}`);
}

/** Euclidean length; of many numbers, unlike Math.hypot. */
function norm(values: readonly number[]): number {
  return Math.sqrt(values.reduce((total, value) => total + value * value, 0));
}

function firstDifference(received: readonly number[], expected: readonly number[]): string | undefined {
  const at = expected.findIndex((value, index) => !Object.is(value, received[index]));
  return at < 0 ? undefined : `parameter ${at} is ${received[at]}, not ${expected[at]}`;
}

function sorted(entries: readonly (readonly unknown[])[]): (readonly unknown[])[] {
  return [...entries].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}
