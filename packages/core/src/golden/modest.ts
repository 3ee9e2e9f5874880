import * as z from "zod";
import { modest } from "../algorithms/modest.ts";
import { rootKey } from "../random/index.ts";
import { churnMoments, churnOf } from "../selection/churn.ts";
import type { SelectionMemory } from "../selection/feedback.ts";
import { hashSampler } from "../selection/hash-sampler.ts";
import { traceFederation } from "../simulation/trace-federation.ts";
import type { Operation } from "./operation.ts";
import { localProblem } from "./quadratic-problem.ts";

const count = z.int().positive();
const inputOf = z.strictObject({
  ...localProblem,
  ids: z.array(z.string()).min(1),
  rounds: count,
  sampleSize: count,
  aggregators: count,
  activityWindow: count,
  /** Nodes that stop, the round in which they do and the last one in which they are away. */
  stopped: z.array(z.int().min(0)).default([]),
  from: count.default(1),
  until: count.optional(),
  during: z.enum(churnMoments).default("training"),
});

/** `cohorts`: nodes that train; `rounds`: the model after each; `bytes`: of pings and views. */
export const modestTrace: Operation = {
  async run(input) {
    const { ids, rounds, sampleSize, aggregators, activityWindow, stopped, from, until, during, ...problem } =
      inputOf.parse(input);
    const churn = churnOf(stopped, { from, until, during });
    const sampler = hashSampler(ids, { sampleSize, aggregators, activityWindow }, churn);
    let memory: SelectionMemory = sampler.feedback!.initial;
    const cohorts: (readonly number[])[] = [];
    const bytes: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      const cohort = sampler.sample(round, () => rootKey(0), memory);
      const trained = cohort.filter((node) => churn.answersAfter(node, round));
      bytes.push(sampler.agreementBytes!(round, memory));
      const reports = trained.map((client) => ({ client, loss: 1, examples: 1, seconds: 0 }));
      memory = sampler.feedback!.learn(memory, round, cohort, reports);
      cohorts.push(trained);
    }
    const trace = await traceFederation(modest({ aggregators, activityWindow }), { ...problem, cohorts });
    return { cohorts, rounds: trace.rounds, bytes };
  },
};
