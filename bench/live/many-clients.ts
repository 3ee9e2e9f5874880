import { type BenchOptions, count, median } from "../lib/result.ts";
import { federation } from "./federation.ts";
import { startFleet } from "./fleet.ts";
import type { Part } from "./part.ts";
import { serve } from "./serve.ts";

/**
 * Many clients, nearly all of them idle: all join, and rounds of 100 complete. `--clients` (default 1000), `--cohort`
 * (100), `--rounds` (20).
 */
export async function manyClients(options: BenchOptions): Promise<Part> {
  const clients = count(options, "clients", 1000);
  const cohort = count(options, "cohort", 100);
  const rounds = count(options, "rounds", 20);
  await using server = await serve(federation({ clients, cohort, rounds }));
  const alone = server.usage();
  using fleet = startFleet(server.joinLink, 0, clients);
  const joined = await fleet.joined;
  const full = server.usage();
  const { up } = await fleet.finished;
  await server.ended;
  const last = server.rounds.at(-1)!;
  const complete = server.rounds.filter((round) => round.clients === cohort).length;
  const between = server.rounds.slice(1).map(({ at }, i) => (at - server.rounds[i]!.at) / 1000);
  const values = {
    "s to join": joined,
    "cpu ms per join": ((full.cpuSeconds - alone.cpuSeconds) / clients) * 1000,
    "s per round": median(between),
    "cpu ms per update": ((last.cpuSeconds - server.rounds[0]!.cpuSeconds) / (up.length - cohort)) * 1000,
    "server MB before": alone.residentMb,
    "with all": full.residentMb,
    peak: last.peakMb,
  };
  return {
    rows: [{ label: `${clients} clients, rounds of ${cohort}`, values }],
    checks: [{ name: "rounds in which all of the cohort counted", value: complete, target: rounds, better: "larger" }],
    notes: ["all clients are in one process, each with its own identity, WebSocket and HTTP connections"],
  };
}
