import { type BenchOptions, count, median } from "../lib/result.ts";
import { federation } from "./federation.ts";
import { startFleet } from "./fleet.ts";
import type { Part } from "./part.ts";
import { RawSink, rawSeconds } from "./raw-stream.ts";
import { serve } from "./serve.ts";

const megabytes = 6.5;
const cohort = 8;
const warmUp = 2;

/**
 * What an update costs the server from its first byte to its place in the sum, beside a raw TCP stream on this machine in
 * turns with it. `--rounds` (default 12).
 */
export async function acceptedUpdate(options: BenchOptions): Promise<Part> {
  const rounds = count(options, "rounds", 12) + warmUp;
  await using sink = await RawSink.open();
  const raw = await rawSeconds(sink.port, megabytes * 1e6, 40);
  await using server = await serve(federation({ clients: cohort, cohort, rounds, megabytes }));
  using fleet = startFleet(server.joinLink, 0, cohort);
  const { up } = await fleet.finished;
  await server.ended;
  raw.push(...(await rawSeconds(sink.port, megabytes * 1e6, 40)));
  const ends = server.rounds.slice(warmUp);
  const updates = (ends.length - 1) * cohort;
  const cpu = (ends.at(-1)!.cpuSeconds - ends[0]!.cpuSeconds) / updates;
  const wall = median(ends.slice(1).map(({ seconds }) => seconds)) / cohort;
  const fold = median(ends.slice(1).map(({ aggregateSeconds }) => aggregateSeconds)) / cohort;
  const rawMedian = median(raw);
  const share = (seconds: number) => ({ "MB/s": megabytes / seconds, "% of raw": (rawMedian / seconds) * 100 });
  return {
    rows: [
      {
        label: `${megabytes} MB update, ${cohort} at a time`,
        values: {
          ...share(wall),
          "server cpu ms": cpu * 1000,
          "fold ms": fold * 1000,
          "upload ms, client's view": median(up) * 1000,
        },
      },
      { label: "raw TCP stream", values: share(rawMedian) },
    ],
    checks: [],
    notes: [
      "server cpu: of the whole round over its updates, so also 8 downloads, the new model and its checkpoint",
      "raw stream: memory to memory; an update is also fetched, hashed, made durable, checked and added",
    ],
  };
}
