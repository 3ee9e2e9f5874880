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
  const rate = (seconds: number) => megabytes / seconds;
  return {
    rows: [
      {
        label: "6.5 MB update, 8 at a time",
        values: {
          "server cpu ms": cpu * 1000,
          "ms per update in a round": wall * 1000,
          "fold ms": fold * 1000,
          "upload ms, client's view": median(up) * 1000,
        },
      },
      { label: "raw TCP stream", values: { "ms per update in a round": rawMedian * 1000 } },
    ],
    checks: [
      { name: "updates, MB/s", value: rate(wall), target: 0, better: "larger" },
      {
        name: "share of the raw stream's rate, %",
        value: (rate(wall) / rate(rawMedian)) * 100,
        target: 0,
        better: "larger",
      },
    ],
    notes: [
      "server cpu: of the whole round over its updates, so also 8 downloads, the new model and its checkpoint",
      `raw stream: ${rate(rawMedian).toFixed(0)} MB/s, memory to memory; an update is also hashed, made durable and added`,
    ],
  };
}
