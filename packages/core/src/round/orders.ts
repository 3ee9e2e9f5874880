import type { ServerPipeline } from "../pipeline/index.ts";
import { TASK_KEYS, taskKeys } from "../protocol/index.ts";
import { rootKey } from "../random/index.ts";
import type { WorkRequest } from "../schedule/index.ts";
import type { Order } from "./backend.ts";
import type { OpenRound } from "./round-world.ts";
import type { RunPlan, RunPorts } from "./run-plan.ts";

/** What a client is given: its part, rate, keys and state, on the model version of the round. */
export function makeOrder(
  { seed, stageSeed }: RunPlan,
  { clientStates }: Pick<RunPorts, "clientStates">,
  { keys }: ServerPipeline,
  { round, parts, learningRate }: OpenRound,
  { client, visit }: WorkRequest,
): Order {
  const whose = { round, client, visit };
  return {
    id: `${round}/${client}/${visit}`,
    client,
    version: round,
    part: parts?.get(client),
    learningRate,
    keys: { ...taskKeys(rootKey(seed), TASK_KEYS, whose), ...taskKeys(rootKey(stageSeed), keys, whose) },
    loadState: () => clientStates.load(client),
  };
}
