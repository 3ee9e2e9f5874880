import * as z from "zod";
import { fedcompass } from "../algorithms/fedcompass.ts";
import { arrivalGroups } from "../schedule/index.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import { ArrivalLog } from "./arrival-log.ts";
import { byVisit, durationsOf, stalenessOf } from "./async.ts";
import type { Operation } from "./operation.ts";
import { localProblem } from "./quadratic-problem.ts";

const inputOf = z.strictObject({
  ...localProblem,
  clock: z.strictObject({ secondsPerStep: durationsOf, serverSteps: z.int().positive() }),
});
const optionsOf = z
  .strictObject({
    name: z.literal("fedcompass").optional(),
    minSteps: z.int().positive().default(20),
    maxSteps: z.int().positive().default(100),
    latestFactor: z.number().min(1).default(1.5),
    speedMomentum: z.number().min(0).max(1).default(0.9),
    alpha: z.number().positive().default(0.9),
    staleness: stalenessOf,
  })
  .refine(({ minSteps, maxSteps }) => minSteps <= maxSteps, "minSteps is above maxSteps");

/**
 * `rounds`: global parameters after each step of the server, `times` of the steps and their `members` (client, staleness,
 * local steps); `assignments`: time, client, group and local steps.
 */
export const fedcompassOperation: Operation = {
  async run(input, given) {
    const { clock, ...problem } = inputOf.parse(input);
    const { alpha, staleness, minSteps, maxSteps, latestFactor, speedMomentum } = optionsOf.parse(given);
    const log = new ArrivalLog();
    const assignments: number[][] = [];
    const steps = new Map<string, number>();
    const groups = arrivalGroups({
      ...{ minSteps, maxSteps, latestFactor, speedMomentum },
      staleness: { form: staleness.name, rate: staleness.a, grace: staleness.b },
      onAssign: ({ time, client, group, steps: own }) => assignments.push([time, client, group, own]),
    });
    const durations = byVisit(clock.secondsPerStep, true);
    const asynchronous = {
      schedule: log.watch(groups),
      durations: (
        client: number,
        version: number,
        visit: number,
        start?: { at: number; steps?: number | undefined },
      ) => {
        steps.set(`${client}/${version - 1}`, start!.steps!);
        return durations(client, version, visit, start);
      },
    };
    const cohorts = Array.from({ length: clock.serverSteps }, () => []);
    const method = fedcompass({ serverLearningRate: alpha });
    const { rounds } = await traceFederation(method, { ...problem, cohorts, asynchronous });
    const members = log.members.map((updates, step) =>
      updates.map(([client, age]) => [client, age, steps.get(`${client}/${step - age}`)!]),
    );
    const last = log.times.at(-1)!;
    return { rounds, times: log.times, members, assignments: assignments.filter(([time]) => time! <= last) };
  },
};
