import { countFlops } from "@anabranch/engine";
import { drawnShare } from "./draws.ts";
import type { TaskSpec } from "./run-client.ts";

/** FLOPs of a client task with K local steps: flopsPerTask + K * flopsPerStep. Rows of data are moved, which costs none. */
export interface TaskFlops {
  readonly flopsPerStep: number;
  readonly flopsPerTask: number;
}

/**
 * Counts a task once from its graph, see `countFlops`. Estimates of the curvature, which only some steps make, count by their
 * share of the steps.
 */
export function taskFlops({ program, draws }: Pick<TaskSpec, "program" | "draws">): TaskFlops {
  const expensiveShare = drawnShare(draws);
  const [one, two] = [1, 2].map((K) => countFlops(program, { symbols: { K, n: 1, H: 1 }, expensiveShare })) as [
    number,
    number,
  ];
  return { flopsPerStep: two - one, flopsPerTask: 2 * one - two };
}
