import type { BenchCheck, BenchOptions, BenchRow } from "../lib/result.ts";
import { count, median } from "../lib/result.ts";
import { federation } from "./federation.ts";
import { startFleet } from "./fleet.ts";
import type { Part } from "./part.ts";
import { serve } from "./serve.ts";

/** Rounds before the clock counts. */
const warmUp = 5;

/** Rounds of two clients that train nothing: what the system itself takes. `--rounds` (default 40). */
export async function twoClients(options: BenchOptions): Promise<Part> {
  const rounds = count(options, "rounds", 40) + warmUp;
  const small = await measure(rounds, undefined);
  const large = await measure(rounds, 6.5);
  return {
    rows: [row("no-op round, 31 kB", small), row("no-op round, 6.5 MB", large)],
    checks: [check("31 kB", small.seconds, 0.1), check("6.5 MB", large.seconds, 0.25)],
    notes: ["a round here lasts from one new model to the next, its checkpoint on the disk included"],
  };
}

interface Measured {
  readonly seconds: number;
  readonly best: number;
  readonly cpu: number;
  readonly peakMb: number;
  readonly clientMb: number;
}

async function measure(rounds: number, megabytes: number | undefined): Promise<Measured> {
  await using server = await serve(federation({ clients: 2, cohort: 2, rounds, megabytes }));
  using first = startFleet(server.joinLink, 0, 1);
  using second = startFleet(server.joinLink, 1, 1);
  await Promise.all([first.joined, second.joined]);
  const clientMb = first.usage().peakMb;
  await Promise.all([first.finished, second.finished]);
  await server.ended;
  const ends = server.rounds.slice(warmUp);
  const seconds = ends.slice(1).map(({ at }, i) => (at - ends[i]!.at) / 1000);
  const cpu = (ends.at(-1)!.cpuSeconds - ends[0]!.cpuSeconds) / seconds.length;
  return { seconds: median(seconds), best: Math.min(...seconds), cpu, peakMb: ends.at(-1)!.peakMb, clientMb };
}

function row(label: string, { seconds, best, cpu, peakMb, clientMb }: Measured): BenchRow {
  return {
    label,
    values: {
      "ms median": seconds * 1000,
      best: best * 1000,
      "server cpu ms": cpu * 1000,
      "server peak MB": peakMb,
      "client MB": clientMb,
    },
  };
}

function check(label: string, seconds: number, target: number): BenchCheck {
  return { name: `no-op round with 2 clients, ${label}, s`, value: seconds, target, better: "smaller" };
}
