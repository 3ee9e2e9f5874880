/** How many events of simulated time a second: clients that are given work again as soon as they are back. */
import { randomStream, rootKey, VirtualClock } from "@anabranch/core";
import { type BenchOptions, type BenchResult, count } from "./lib/result.ts";

const TARGET = 1e6;

export async function run(options: BenchOptions): Promise<BenchResult> {
  const events = count(options, "events", 1_000_000);
  const rows = [100, 10_000, 100_000].map((clients) => {
    const perMinute = (60 * events) / secondsOf(events, clients);
    return { label: `${clients} clients at a time`, values: { "million events per minute": perMinute / 1e6 } };
  });
  const slowest = Math.min(...rows.map(({ values }) => values["million events per minute"])) * 1e6;
  return {
    name: "virtual clock",
    rows,
    checks: [{ name: "events per minute", value: slowest, target: TARGET, better: "larger" }],
    notes: [`${events} arrivals each, every one followed by new work`],
  };
}

function secondsOf(events: number, clients: number): number {
  const stream = randomStream(rootKey(1));
  const duration = () => 1 + stream.below(10_000_000);
  const clock = new VirtualClock<number>();
  const began = performance.now();
  for (let client = 0; client < clients; client++) clock.expect(client, duration());
  for (let told = 0; told < events; told++) {
    const event = clock.next()!;
    if (event.kind === "arrival") clock.expect(event.work, duration());
  }
  return (performance.now() - began) / 1000;
}
