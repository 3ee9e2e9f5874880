import { type Courier, driveRound } from "./drive-round.ts";
import type { SecureClient, SecureServer, StageName } from "./party.ts";
import type { SecureAggregationOutcome } from "./protocol.ts";

/** The parties of a simulated round. */
export interface Parties {
  readonly server: SecureServer;
  readonly clients: ReadonlyMap<number, SecureClient>;
}

/**
 * A round with every party in this process. Clients speak one after the other, so that the time of each is its own; one
 * that has dropped out says nothing more.
 */
export async function simulateRound(
  { cohort, dropOuts }: { readonly cohort: readonly number[]; readonly dropOuts?: ReadonlyMap<number, StageName> },
  { server, clients }: Parties,
  clock: () => number,
): Promise<SecureAggregationOutcome> {
  let clientsMs = 0;
  const gone = new Set<number>();
  const courier: Courier = {
    async carry(stage, messages, take) {
      for (const [client, message] of messages) {
        if (dropOuts?.get(client) === stage) gone.add(client);
        if (gone.has(client)) continue;
        const start = clock();
        const reply = await clients.get(client)!.receive(message);
        clientsMs += clock() - start;
        await take(client, reply);
      }
    },
  };
  const outcome = await driveRound(server, cohort, courier, clock);
  return { ...outcome, cost: { ...outcome.cost, clientsMs } };
}
