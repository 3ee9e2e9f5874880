import type { Algorithm, Payloads, ServerState } from "../algorithms/algorithm.ts";
import type { ServerPipeline } from "../pipeline/index.ts";
import { type Broadcast, TASK_KEYS, type TaskKeys, taskKeys } from "../protocol/index.ts";
import { rootKey } from "../random/index.ts";
import type { OrderName, WorkRequest } from "../schedule/index.ts";
import type { Order } from "./backend.ts";
import type { ClientVectors } from "./client-state.ts";
import type { OpenRound } from "./round-world.ts";
import type { RunPlan, RunPorts } from "./run-plan.ts";

/** The id of an order: its round, its client and its visit. */
export function orderId({ client, version, visit }: OrderName): string {
  return `${version}/${client}/${visit}`;
}

/** Makes what clients are given on the model version of a round: part, rate, keys and state. */
export function orderMaker(
  {
    seed,
    stageSeed,
    algorithm,
  }: Pick<RunPlan, "seed" | "stageSeed"> & {
    readonly algorithm: Pick<Algorithm, "own" | "messageTo" | "keptAfter">;
  },
  { clientStates }: Pick<RunPorts, "clientStates">,
  pipeline: Pick<ServerPipeline, "keys">,
  { round, parts, learningRate }: Pick<OpenRound, "round" | "parts" | "learningRate">,
  server: ServerState,
): (request: WorkRequest) => Order {
  const trainingKeys: TaskKeys = taskKeys(rootKey(seed), TASK_KEYS, round);
  const stageKeys: TaskKeys = taskKeys(rootKey(stageSeed), pipeline.keys, round);
  return ({ client, visit, steps }) => ({
    id: orderId({ client, version: round, visit }),
    client,
    version: round,
    part: parts?.get(client),
    learningRate,
    ...(algorithm.own === undefined ? {} : { own: algorithm.own(server, client, round) }),
    ...messagesOf(algorithm, server),
    ...(steps === undefined ? {} : { steps }),
    keys: { ...trainingKeys(client, visit), ...stageKeys(client, visit) },
    loadState: () => clientStates.load(client),
  });
}

/** What one client is sent of a broadcast, where that is not all of it. */
function messagesOf(
  { messageTo, keptAfter }: Pick<Algorithm, "messageTo" | "keptAfter">,
  server: ServerState,
): Pick<Order, "message" | "messageAfter"> {
  if (messageTo === undefined) return {};
  const message = (broadcast: Broadcast, kept: ClientVectors | undefined): Broadcast => {
    const { encoded: _all, ...rest } = broadcast;
    return { ...rest, ...messageTo(server, broadcast, kept) };
  };
  if (keptAfter === undefined) return { message };
  const messageAfter = (broadcast: Broadcast, stateOf: number | undefined) =>
    message(broadcast, stateOf === undefined ? undefined : keptAfter(stateOf));
  return { message, messageAfter };
}

/** Vectors of a broadcast that all clients are given; the others come with their orders. */
export function commonVectors(
  { own = [] }: Pick<Payloads, "own">,
  vectors: Broadcast["vectors"],
): Broadcast["vectors"] {
  if (own.length === 0) return vectors;
  return Object.fromEntries(Object.entries(vectors).filter(([name]) => !own.includes(name)));
}
