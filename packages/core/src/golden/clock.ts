import * as z from "zod";
import { VirtualClock } from "../clock/index.ts";
import { firstArrivals } from "../schedule/index.ts";
import type { Operation } from "./operation.ts";
import { clientLists } from "./quadratic-problem.ts";

const seconds = z.number().min(0);
const inputOf = z
  .strictObject({
    cohorts: clientLists,
    durations: z.array(z.array(seconds)),
    keep: z.int().positive(),
    deadline: z.number().positive().optional(),
  })
  .refine(
    ({ cohorts, durations }) =>
      durations.length === cohorts.length && cohorts.every(({ length }, round) => durations[round]!.length === length),
    "needs a duration for each client of each round",
  );

/** Synchronous rounds of the first arrivals: when each ends, who arrived in which order, and whose updates are added. */
export const clockOperation: Operation = {
  async run(input) {
    const { cohorts, durations, keep, deadline } = inputOf.parse(input);
    const after = (client: number, round: number) =>
      microseconds(durations[round - 1]![cohorts[round - 1]!.indexOf(client)]!);
    const schedule = firstArrivals({
      keep,
      deadline: deadline === undefined ? undefined : microseconds(deadline),
      duration: after,
    });
    let time = 0;
    const rounds = cohorts.map((cohort, index) => {
      const round = index + 1;
      let step = schedule.open(schedule.initial, { round, time, cohort });
      const aggregated = step.requests.map(({ client }) => client);
      const clock = new VirtualClock<number>(time);
      // ties are told in the order of the cohort
      for (const client of aggregated) clock.expect(client, after(client, round));
      const arrived: number[] = [];
      for (let event = clock.next(); event !== undefined; event = clock.next()) {
        if (event.kind === "arrival") arrived.push(event.work);
      }
      for (const client of aggregated) {
        step = schedule.arrived(step.state, { client, time, failed: false, staleness: 0 });
      }
      time = step.timers?.[0]?.at ?? time;
      return { end: time / 1e6, arrived, aggregated: aggregated.toSorted((a, b) => a - b) };
    });
    return { rounds };
  },
};

function microseconds(value: number): number {
  return Math.round(value * 1e6);
}
