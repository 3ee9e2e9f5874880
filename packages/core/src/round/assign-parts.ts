import { AnabranchError } from "@anabranch/engine";
import type { ServerState } from "../algorithms/algorithm.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import { dealParts } from "../selection/deal-parts.ts";
import type { RunPlan } from "./run-plan.ts";

/**
 * Which part of the payloads each client of a round sends, by client; undefined where everyone sends everything. It
 * depends on (seed, round, cohort) and the server's state alone. Throws `round/parts` where a method's own `assign` does not fit.
 */
export function assignParts(
  { algorithm, payloads, seed }: Pick<RunPlan, "algorithm" | "payloads" | "seed">,
  round: number,
  cohort: readonly number[],
  state?: ServerState,
): ReadonlyMap<number, number> | undefined {
  const count = payloads.parts?.length;
  if (count === undefined) return undefined;
  const key = deriveKey(rootKey(seed), "parts", round);
  const assigned = algorithm.assign?.(count, cohort, key, round, state) ?? dealParts(count, cohort, key);
  if (
    assigned.length !== cohort.length ||
    !assigned.every((part) => Number.isInteger(part) && part >= 0 && part < count)
  )
    throw new AnabranchError({
      code: "round/parts",
      message: "the parts given to the clients of a round do not fit",
      where: `algorithm ${algorithm.name}, round ${round}`,
      received: `[${assigned.join(", ")}]`,
      expected: `${cohort.length} numbers from 0 to ${count - 1}, one for each client of the cohort`,
    });
  return new Map(cohort.map((client, i) => [client, assigned[i]!]));
}
