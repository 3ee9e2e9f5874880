import * as z from "zod";
import { createAlgorithm } from "../algorithms/registry.ts";
import type { Drift } from "../metrics/drift.ts";
import { traceFederation } from "./trace-federation.ts";

const vectorList = z.array(z.array(z.number()).min(1)).min(1);
const indexLists = z.array(z.array(z.int().min(0)).min(1)).min(1);

/**
 * The input of the trace runner, as `Quadratics` and its method. Unknown keys are refused.
 *
 * @example
 * ```ts
 * import { traceProblem } from "@anabranch/core";
 * traceProblem.safeParse({ algorithm: { name: "fedavg" } }).success; // => false
 * ```
 */
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
 * Runs a method on quadratics, see `traceFederation`, and returns the global parameters after every round, [rounds, d], and
 * the drift of uploads that log one.
 *
 * @example
 * ```ts
 * import { traceQuadratics } from "@anabranch/core";
 * const { rounds } = await traceQuadratics({
 *   algorithm: { name: "fedavg" },
 *   a: [[1], [1]], // curvatures of two clients
 *   b: [[0], [2]], // minima
 *   x0: [0],
 *   learningRate: 0.5,
 *   localSteps: 1,
 *   cohorts: [[0, 1], [0, 1]],
 * });
 * rounds; // => [[0.5], [0.75]]
 * ```
 */
export async function traceQuadratics(
  problem: TraceProblem,
): Promise<{ rounds: number[][]; drifts: Readonly<Record<string, Drift>>[] }> {
  const { name, ...options } = problem.algorithm;
  const drifts: Readonly<Record<string, Drift>>[] = [];
  const { rounds } = await traceFederation(createAlgorithm(name, options), problem, {
    onEvent: (event) => {
      if (event.type === "round.finished") drifts.push((event.drift ?? {}) as Record<string, Drift>);
    },
  });
  return { rounds, drifts };
}
