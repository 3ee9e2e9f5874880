import * as z from "zod";
import { cosineOf, heteroScores } from "../selection/hetero-scores.ts";
import { oortScores } from "../selection/oort-scores.ts";
import { notThere, type Operation } from "./operation.ts";
import { vector } from "./quadratic-problem.ts";

const lastRound = z.int().min(0).nullable();
const oortInput = z.strictObject({
  round: z.int().positive(),
  count: z.int().positive(),
  clients: z.array(z.strictObject({ utility: z.number(), lastRound, duration: z.number().positive() })).min(1),
});
const oortOptions = z.strictObject({
  name: z.literal("oort"),
  epsilon: z.number().min(0).max(1).default(0.9),
  pacerPercentile: z.number().min(0).max(100).default(10),
  clipPercentile: z.number().min(0).max(100).default(98),
  alpha: z.number().min(0).default(2),
  cutoff: z.number().min(0).max(1).default(0.7),
});

const heteroInput = z.strictObject({
  round: z.int().positive(),
  rounds: z.int().positive(),
  direction: vector,
  clients: z
    .array(z.strictObject({ loss: z.number(), count: z.int().min(0), lastRound, update: vector.nullable() }))
    .min(1),
});
const heteroOptions = z.strictObject({
  name: z.literal("hetero-select"),
  temperature: z.number().positive().default(1),
});

/** Scores of clients and the probabilities of the first draw, by Oort or HeteRo-Select. */
export const selectionOperation: Operation = {
  async run(input, given) {
    const { name } = z.looseObject({ name: z.string() }).parse(given);
    if (name === "oort") {
      const { clients, round, count } = oortInput.parse(input);
      return oortScores(clients, round, count, oortOptions.parse(given));
    }
    if (name !== "hetero-select") throw notThere(`selection with ${name}`);
    const { clients, direction, round, rounds } = heteroInput.parse(input);
    const known = clients.map(({ update, ...client }) => {
      return { ...client, cosine: update === null ? null : cosineOf(update, direction) };
    });
    return heteroScores(known, round, rounds, heteroOptions.parse(given).temperature);
  },
};
