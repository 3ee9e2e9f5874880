import { formatBytes, formatSeconds } from "../format.ts";
import type { History } from "./history.ts";
import type { RunStatus } from "./run-api.ts";

/** The run in a few numbers. */
export function Facts({ status, history }: { status: RunStatus; history: History }) {
  const { rounds, started } = history;
  const connected = status.clients.filter((client) => client.connected).length;
  const total = (key: "bytesDown" | "bytesUp" | "seconds") =>
    rounds.reduce((sum, round) => sum + (Number.isFinite(round[key]) ? round[key] : 0), 0);
  const accuracy = rounds.findLast((round) => Number.isFinite(round.accuracy))?.accuracy;
  const epsilon = rounds.findLast((round) => Number.isFinite(round.epsilon))?.epsilon;
  const facts: [string, string][] = [
    ["Round", `${status.round} of ${status.rounds}`],
    ["Clients connected", `${connected} of ${status.population}`],
    ["Test accuracy", accuracy === undefined ? "-" : `${(100 * accuracy).toFixed(2)} %`],
    ["Sent to clients", formatBytes(total("bytesDown"))],
    ["Received from clients", formatBytes(total("bytesUp"))],
    ["Time in rounds", formatSeconds(total("seconds"))],
    ["Epsilon", epsilon === undefined ? "not private" : epsilon.toFixed(2)],
  ];
  if (started !== undefined) {
    facts.push(["Method", started.algorithm], ["Model", started.model], ["Data", started.dataset]);
  }
  return (
    <section class="card" aria-label="The run in numbers">
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
