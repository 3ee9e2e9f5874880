import { countFlops } from "@anabranch/engine";
import { meanSizes } from "./client-graph.ts";
import type { DataSpec } from "./data-source.ts";
import { drawnShare } from "./draws.ts";
import type { TaskSpec } from "./run-client.ts";

/** FLOPs of a client task with K local steps: flopsPerTask + K * flopsPerStep. Rows of data are moved, which costs none. */
export interface TaskFlops {
  readonly flopsPerStep: number;
  readonly flopsPerTask: number;
}

/**
 * Counts a task once from its graph, see `countFlops`. Estimates of the curvature, which only some steps make, count by their
 * share of the steps. Of models of nodes, whose steps go over a whole graph, it is the mean of the clients'.
 *
 * @param extents of symbolic dimensions, where work before the local steps is to count by them: examples n, steps H
 */
export function taskFlops(
  { program, draws }: Pick<TaskSpec, "program" | "draws">,
  data?: DataSpec,
  extents: Readonly<Record<string, number>> = {},
): TaskFlops {
  const expensiveShare = drawnShare(draws);
  const graph = data?.kind === "arrays" && data.graph !== undefined ? meanSizes(data.graph) : {};
  const symbols = { n: 1, H: 1, ...graph, ...extents };
  const [one, two] = [1, 2].map((K) => countFlops(program, { symbols: { ...symbols, K }, expensiveShare })) as [
    number,
    number,
  ];
  return { flopsPerStep: two - one, flopsPerTask: 2 * one - two };
}
