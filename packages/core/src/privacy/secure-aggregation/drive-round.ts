import type { Reply, SecureServer, StageName, StageResult } from "./party.ts";
import type { RefusedMessage, SecureAggregationOutcome, StageCost } from "./protocol.ts";

/** Carries messages between the server of a round and its clients. */
export interface Courier {
  /**
   * Gives each client its message and hands every answer to `take`. Resolves when nobody is waited for any more: each has
   * answered, is known to be gone, or has let its deadline pass.
   */
  carry(
    stage: StageName,
    messages: ReadonlyMap<number, Uint8Array>,
    take: (client: number, reply: Reply) => Promise<void>,
  ): Promise<void>;
}

/**
 * Runs a round on its server, stage after stage, and counts bytes and the server's time. A client that refuses is treated
 * like one that is silent, and the refusal is kept.
 *
 * @param cohort clients in ascending order
 * @param clock milliseconds
 * @param first what every client is sent first; default: the server's own first message
 */
export async function driveRound(
  server: SecureServer,
  cohort: readonly number[],
  courier: Courier,
  clock: () => number,
  first: Uint8Array = server.firstMessage,
): Promise<SecureAggregationOutcome> {
  const places = new Map(cohort.map((client, place) => [client, place]));
  const stages: StageCost[] = [];
  const refusals: RefusedMessage[] = [];
  let serverMs = 0;
  const measure = async <T>(task: () => Promise<T>): Promise<T> => {
    const start = clock();
    const result = await task();
    serverMs += clock() - start;
    return result;
  };
  let closed: StageResult = { messages: new Map(cohort.map((client) => [client, first])) };
  while ("messages" in closed) {
    const stage = server.stage as StageName;
    const cost = { stage, up: new Float64Array(cohort.length), down: new Float64Array(cohort.length) };
    stages.push(cost);
    for (const [client, { length }] of closed.messages) cost.down[places.get(client)!] = length;
    await courier.carry(stage, closed.messages, async (client, reply) => {
      if (!("message" in reply)) {
        refusals.push({ stage, client, by: "client", failure: reply.refusal });
        return;
      }
      cost.up[places.get(client)!] = reply.message.length;
      const receipt = await measure(() => server.receive(client, reply.message));
      if ("refusal" in receipt) refusals.push({ stage, client, by: "server", failure: receipt.refusal });
    });
    closed = await measure(() => server.close());
  }
  return { ...closed, cost: { stages, serverMs }, refusals };
}
