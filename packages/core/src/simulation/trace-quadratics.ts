import { interpreter } from "@anabranch/engine";
import * as z from "zod";
import type { Algorithm } from "../algorithms/algorithm.ts";
import { createAlgorithm } from "../algorithms/registry.ts";
import { memoryBlobStore } from "../round/blob-store.ts";
import type { Drift } from "../round/drift.ts";
import type { RunEventBody } from "../round/events.ts";
import { memoryClientStates } from "../round/memory-client-states.ts";
import { runFederation } from "../round/run.ts";
import { inProcessSimulation } from "./in-process.ts";
import { prepareQuadratics } from "./quadratics.ts";

const vectorList = z.array(z.array(z.number()).min(1)).min(1);
const indexLists = z.array(z.array(z.int().min(0)).min(1)).min(1);

/** The input of the trace runner, as `Quadratics` and its method. Unknown keys are refused. */
export const traceProblem = z.strictObject({
  algorithm: z.looseObject({ name: z.string() }),
  a: vectorList,
  b: vectorList,
  x0: z.array(z.number()).min(1),
  learningRate: z.number().positive(),
  localSteps: z.int().positive(),
  cohorts: indexLists,
  blocks: z.strictObject({ coordinates: indexLists, assignment: indexLists.optional() }).optional(),
  shape: z.array(z.int().positive()).min(1).optional(),
  privacy: z
    .strictObject({
      clipNorm: z.number().positive(),
      noiseMultiplier: z.number().min(0).default(0),
      clipping: z.enum(["flat", "per-layer", "per-layer-by-size"]).default("flat"),
    })
    .optional(),
});
export type TraceProblem = z.infer<typeof traceProblem>;

/**
 * Runs a method on quadratics through the same round loop, client tasks and server halves as any run, in float64 on the
 * interpreter, and returns the global parameters after every round, [rounds, d], and the drift of uploads that log one.
 */
export async function traceQuadratics(
  problem: TraceProblem,
): Promise<{ rounds: number[][]; drifts: Readonly<Record<string, Drift>>[] }> {
  const { name, ...options } = problem.algorithm;
  const rounds: number[][] = [];
  const drifts: Readonly<Record<string, Drift>>[] = [];
  const algorithm = recording(createAlgorithm(name, options), (parameters) => rounds.push(Array.from(parameters)));
  const executor = interpreter();
  const { plan, simulation } = prepareQuadratics(algorithm, problem, executor);
  const { backend, evaluator, close } = await inProcessSimulation(simulation, executor);
  const ports = {
    backend,
    evaluator,
    checkpoints: memoryBlobStore(),
    clientStates: memoryClientStates(),
    emit: (event: RunEventBody) => {
      if (event.type === "round.finished") drifts.push((event.drift ?? {}) as Record<string, Drift>);
    },
  };
  await runFederation(plan, ports);
  await close();
  return { rounds, drifts };
}

/** The same method, telling the global parameters after every server half. */
export function recording(algorithm: Algorithm, record: (parameters: ArrayLike<number>) => void): Algorithm {
  return {
    ...algorithm,
    update(state, aggregate, round) {
      const next = algorithm.update(state, aggregate, round);
      record(next.vectors.parameters);
      return next;
    },
  };
}
