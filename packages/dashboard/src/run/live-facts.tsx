import { Facts } from "../view/facts.tsx";
import type { History } from "../view/history.ts";
import { runFacts } from "../view/run-facts.ts";
import type { RunStatus } from "./run-api.ts";

/** A live run in a few numbers. */
export function LiveFacts({ status, history }: { status: RunStatus; history: History }) {
  const connected = status.clients.filter((client) => client.connected).length;
  const live = [
    ["Round", `${status.round} of ${status.rounds}`],
    ["Clients connected", `${connected} of ${status.population}`],
  ] as const;
  return <Facts label="The run in numbers" facts={[...live, ...runFacts(history)]} />;
}
