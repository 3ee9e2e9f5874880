import { type BenchOptions, count } from "../lib/result.ts";
import { federation } from "./federation.ts";
import { startFleet } from "./fleet.ts";
import type { Part } from "./part.ts";
import { serve } from "./serve.ts";

/** Memory of the server with 2 and with 16 clients of a large model. `--megabytes` (default 100), `--rounds` (3). */
export async function largeModel(options: BenchOptions): Promise<Part> {
  const megabytes = count(options, "megabytes", 100);
  const rounds = count(options, "rounds", 3);
  const few = await measure(2, megabytes, rounds);
  const many = await measure(16, megabytes, rounds);
  const ratio = many["peak MB"] / few["peak MB"];
  return {
    rows: [few, many].map(({ clients, ...values }) => ({
      label: `${megabytes} MB, ${clients} clients`,
      values: values,
    })),
    checks: [{ name: "server's peak with 16 clients over that with 2", value: ratio, target: 1.3, better: "smaller" }],
    notes: [`peak MB: the server's resident memory over ${rounds} rounds; all clients of a run send at the same time`],
  };
}

async function measure(clients: number, megabytes: number, rounds: number) {
  await using server = await serve(federation({ clients, cohort: clients, rounds, megabytes }));
  using fleet = startFleet(server.joinLink, 0, clients);
  await fleet.finished;
  await server.ended;
  const { peakMb, cpuSeconds } = server.rounds.at(-1)!;
  const longest = Math.max(...server.rounds.map(({ seconds }) => seconds));
  return { clients, "peak MB": peakMb, "s per round, longest": longest, "cpu s": cpuSeconds };
}
