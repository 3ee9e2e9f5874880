import * as z from "zod";
import type { OrderDuration } from "../clock/index.ts";
import type { Schedule } from "../schedule/index.ts";
import type { ArrivalLog } from "./arrival-log.ts";

/** Arrivals in a given order, each trained on a given version. */
export const scriptedArrival = z.strictObject({ client: z.int().min(0), version: z.int().min(0) });
export type ScriptedArrival = z.infer<typeof scriptedArrival>;

/** The schedule with work given out so that it arrives in a given order, one arrival a second. */
export function scripted(
  schedule: Schedule,
  arrivals: readonly ScriptedArrival[],
  log: ArrivalLog,
): { schedule: Schedule; durations: OrderDuration } {
  const places = new Map<string, number>();
  const settled = new Set<number>();
  const script: Schedule = {
    ...schedule,
    settle(state, { round }) {
      const fresh = arrivals.flatMap(({ client, version }, place) =>
        version === round - 1 ? [{ client, place }] : [],
      );
      if (settled.has(round)) return { state, requests: [], complete: false };
      settled.add(round);
      const requests = fresh.map(({ client, place }, i) => {
        const visit = fresh.slice(0, i).filter((other) => other.client === client).length;
        places.set(`${client}/${round}/${visit}`, place);
        return { client, visit };
      });
      return { state, requests, complete: false };
    },
  };
  const durations: OrderDuration = (client, version, visit) =>
    (places.get(`${client}/${version}/${visit}`)! + 1) * 1e6 - log.now;
  return { schedule: script, durations };
}

/** Steps of the server that arrivals come to, with so many updates each and none that is too stale. */
export function stepsOf(arrivals: readonly ScriptedArrival[], buffer: number, maxStaleness: number): number {
  let [steps, waiting] = [0, 0];
  for (const { version } of arrivals) {
    if (steps - version <= maxStaleness) waiting++;
    if (waiting < buffer) continue;
    steps++;
    waiting = 0;
  }
  return steps;
}
