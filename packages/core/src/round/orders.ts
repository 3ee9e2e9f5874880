import type { ServerPipeline } from "../pipeline/index.ts";
import { TASK_KEYS, type TaskKeys, taskKeys } from "../protocol/index.ts";
import { rootKey } from "../random/index.ts";
import type { WorkRequest } from "../schedule/index.ts";
import type { Order } from "./backend.ts";
import type { OpenRound } from "./round-world.ts";
import type { RunPlan, RunPorts } from "./run-plan.ts";

/** Makes what clients are given on the model version of a round: part, rate, keys and state. */
export function orderMaker(
  { seed, stageSeed }: RunPlan,
  { clientStates }: Pick<RunPorts, "clientStates">,
  pipeline: Pick<ServerPipeline, "keys">,
  { round, parts, learningRate }: Pick<OpenRound, "round" | "parts" | "learningRate">,
): (request: WorkRequest) => Order {
  const trainingKeys: TaskKeys = taskKeys(rootKey(seed), TASK_KEYS, round);
  const stageKeys: TaskKeys = taskKeys(rootKey(stageSeed), pipeline.keys, round);
  return ({ client, visit }) => ({
    id: `${round}/${client}/${visit}`,
    client,
    version: round,
    part: parts?.get(client),
    learningRate,
    keys: { ...trainingKeys(client, visit), ...stageKeys(client, visit) },
    loadState: () => clientStates.load(client),
  });
}
