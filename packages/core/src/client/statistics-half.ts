import { type TensorTree, withPrefix } from "@anabranch/engine";
import type { ClientHalf, ParameterTensors } from "../algorithms/algorithm.ts";
import { movedStatistics } from "./moved-statistics.ts";
import { endBeside, withParametersBeside } from "./parameters-beside.ts";

/** Name of the vector of running statistics that goes down and up beside a method's own. */
export const STATISTICS = "statistics";

/** What the loop carries: the method's own, and the running statistics. */
type Carry = { readonly method: TensorTree; readonly statistics: ParameterTensors };

/**
 * A client half that knows weights alone, as one that goes on from the received running statistics and sends its own back.
 * Each step moves them once, by the batch at the parameters of its first gradient.
 */
export function withStatisticsBeside(half: ClientHalf): ClientHalf {
  const { refresh } = half;
  return {
    ...half,
    begin: (local, settings) => ({
      method: half.begin(local, settings),
      statistics: local.broadcast[STATISTICS]!,
    }),
    step(carry, local, settings) {
      const { method, statistics } = carry as Carry;
      const moved = movedStatistics(local, statistics);
      const next = half.step(method, withParametersBeside(moved.local, statistics), settings);
      return { carry: { method: next.carry, statistics: moved.after() }, loss: next.loss };
    },
    end(carry, local) {
      const { method, statistics } = carry as Carry;
      const { update, state } = half.end(method, endBeside(local, statistics));
      return { update: { ...update, [STATISTICS]: statistics }, state };
    },
    ...(refresh === undefined
      ? {}
      : { refresh: (model, settings) => withPrefix("method", half.refresh!(model, settings)) }),
  };
}
