import type { SecureClient, SecureServer, StageName, StageResult } from "./party.ts";
import type {
  RefusedMessage,
  SecureAggregationCost,
  SecureAggregationOutcome,
  SecureAggregationRequest,
  StageCost,
} from "./protocol.ts";

/** The parties of a simulated round. */
export interface Parties {
  readonly server: SecureServer;
  /** By client; made when first spoken to. */
  readonly client: (client: number) => SecureClient;
}

/**
 * Carries the messages of a round between its parties, counts their bytes and the time that each side takes. A client
 * that has dropped out says nothing more. A client that refuses is treated like one that is silent,
 * and the refusal is kept.
 */
export async function simulateRound(
  request: SecureAggregationRequest,
  parties: Parties,
  clock: () => number,
): Promise<SecureAggregationOutcome> {
  const cohort = request.inputs.map(({ client }) => client);
  const places = new Map(cohort.map((client, place) => [client, place]));
  const { server } = parties;
  const elapsed = { server: 0, clients: 0 };
  const measure = async <T>(side: "server" | "clients", task: () => Promise<T>) => {
    const start = clock();
    const result = await task();
    elapsed[side] += clock() - start;
    return result;
  };
  const stages: StageCost[] = [];
  const refusals: RefusedMessage[] = [];
  const gone = new Set<number>();
  let closed: StageResult = { messages: new Map(cohort.map((client) => [client, server.firstMessage])) };
  while ("messages" in closed) {
    const stage = server.stage as StageName;
    const cost = { stage, up: new Float64Array(cohort.length), down: new Float64Array(cohort.length) };
    stages.push(cost);
    for (const [client, message] of closed.messages) {
      const place = places.get(client)!;
      cost.down[place] = message.length;
      if (request.dropOuts?.get(client) === stage) gone.add(client);
      if (gone.has(client)) continue;
      const reply = await measure("clients", () => parties.client(client).receive(message));
      if (!("message" in reply)) {
        refusals.push({ stage, client, by: "client", failure: reply.refusal });
        continue;
      }
      cost.up[place] = reply.message.length;
      const receipt = await measure("server", () => server.receive(client, reply.message));
      if ("refusal" in receipt) refusals.push({ stage, client, by: "server", failure: receipt.refusal });
    }
    closed = await measure("server", () => server.close());
  }
  const cost: SecureAggregationCost = { stages, serverMs: elapsed.server, clientsMs: elapsed.clients };
  return { ...closed, cost, refusals };
}
