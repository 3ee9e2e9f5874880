import type { RunData } from "../report/run-data.ts";
import { formatFixed } from "../terminal/format.ts";
import { table } from "./text.ts";

/**
 * The reputation of each client after the last round, and the round in which it was removed; nothing of runs without
 * reputations.
 */
export function reputationLines({ rounds }: Pick<RunData, "rounds">, width: number): string[] {
  const known = rounds.filter(({ aggregation }) => aggregation?.rule === "reputation");
  const last = known.at(-1);
  if (last?.aggregation?.trust === undefined) return [];
  const removals = new Map(
    known.flatMap(({ round, aggregation }) => (aggregation?.dropped ?? []).map((client) => [client, round] as const)),
  );
  const rows = last.aggregation.trust.map(([client, value]) => {
    const removed = removals.get(client);
    return [`${client}`, formatFixed(value), removed === undefined ? "" : `round ${removed}`];
  });
  return table([{ head: "client" }, { head: "reputation", right: true }, { head: "removed" }], rows, width);
}
