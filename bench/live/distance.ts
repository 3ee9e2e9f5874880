import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type BenchOptions, count, median } from "../lib/result.ts";
import { DistantLink } from "./distant-link.ts";
import { federation } from "./federation.ts";
import { startFleet } from "./fleet.ts";
import type { Part } from "./part.ts";
import { RawSink, rawSeconds } from "./raw-stream.ts";
import { serve } from "./serve.ts";

/**
 * Downloads and uploads over a distant link beside one raw TCP stream over the same link. `--megabytes` (default 100),
 * `--rounds` (3), `--round-trip` milliseconds (100), `--megabit` per second (200).
 */
export async function distance(options: BenchOptions): Promise<Part> {
  const megabytes = count(options, "megabytes", 100);
  const rounds = count(options, "rounds", 3);
  const roundTripMs = count(options, "round-trip", 100);
  const megabit = count(options, "megabit", 200);
  await using link = await DistantLink.open({ roundTripMs, bytesPerSecond: (megabit * 1e6) / 8 });
  await using sink = await RawSink.open();
  link.leadTo(sink.port);
  const raw = median(await rawSeconds(link.port, megabytes * 1e6, rounds));
  const port = await freePort();
  const args = ["--port", String(port), "--public-url", `http://127.0.0.1:${link.port}`];
  await using server = await serve(federation({ clients: 1, cohort: 1, rounds, megabytes }), args);
  link.leadTo(port);
  using fleet = startFleet(server.joinLink, 0, 1);
  const { down, up } = await fleet.finished;
  await server.ended;
  const row = (label: string, seconds: number) => ({ label, values: { s: seconds, "MB/s": megabytes / seconds } });
  const check = (what: string, seconds: number) =>
    ({ name: `${what}, % of the raw stream`, value: (raw / seconds) * 100, target: 85, better: "larger" }) as const;
  return {
    rows: [row("raw TCP stream", raw), row("download", median(down)), row("upload", median(up))],
    checks: [check("download", median(down)), check("upload", median(up))],
    notes: [
      `${megabytes} MB over a simulated link of ${megabit} Mbit/s and ${roundTripMs} ms round trip (a proxy on this machine)`,
      "a transfer ends when the last byte is checked: the download is hashed and read, the upload hashed and made durable",
    ],
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
