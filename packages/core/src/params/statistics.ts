/** Running statistics of a model: parameters that are no weights. Methods see the weights alone. */
import type { ParameterRole } from "@anabranch/engine";
import { type Layout, type LayoutEntry, layout, subLayout } from "./layout.ts";
import { joinParameters, partOf } from "./standing.ts";
import type { Vector } from "./vector.ts";

/** Whether an entry follows what a layer has seen and is never trained. */
export const isStatistic = ({ role }: { readonly role: ParameterRole }): boolean => role === "statistics";

/** Whether an entry is a variance, which is never below 0. */
export const isVariance = ({ name, role }: Pick<LayoutEntry, "name" | "role">): boolean =>
  role === "statistics" && name.endsWith(".variance");

/** A layout without its running statistics; itself where there are none. */
export function weightsOf(whole: Layout): Layout {
  return whole.entries.some(isStatistic) ? subLayout(whole, (entry) => !isStatistic(entry)) : whole;
}

/** The weights alone in a vector of `whole`; the vector itself where that is all. */
export function weightValues(whole: Layout, both: Vector): Vector {
  const weights = weightsOf(whole);
  return weights === whole ? both : partOf(whole, both, weights);
}

/** A vector of weights and one of statistics from the vector of both, and back. */
export interface StatisticsSplit {
  readonly weights: Layout;
  readonly statistics: Layout;
  weightsIn(both: Vector): Vector;
  statisticsIn(both: Vector): Vector;
  join(weights: Vector, statistics: Vector): Vector;
}

/** How vectors of `whole` are taken apart and put together. */
export function statisticsSplit(whole: Layout): StatisticsSplit {
  const [weights, statistics] = [weightsOf(whole), subLayout(whole, isStatistic)];
  const split = { whole, shared: weights, personal: statistics, frozen: layout([]) };
  return {
    weights,
    statistics,
    weightsIn: (both) => weightValues(whole, both),
    statisticsIn: (both) => partOf(whole, both, statistics),
    join: (shared, personal) => joinParameters({ split, personal, frozen: new Float32Array(0) }, shared),
  };
}
