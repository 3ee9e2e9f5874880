import * as z from "zod";
import { churnDraws, churnMoments } from "../selection/churn.ts";

const positive = z.int().min(1);

export const churn = z
  .strictObject({
    share: z.number().min(0).lt(1).default(0).describe("fraction of the clients that stop answering (0 = none)"),
    per: z
      .enum(churnDraws)
      .default("run")
      .describe(
        'draw them once per "run", or anew per "round": each client stops with this probability, for that round',
      ),
    from: positive
      .default(1)
      .describe("round in which they stop, all at once; or first round of those drawn per round"),
    until: positive.optional().describe("last round in which they are away; omitted: they never come back"),
    during: z
      .enum(churnMoments)
      .default("training")
      .describe('part of that round: "training", before they send updates, or "averaging", after'),
  })
  .prefault({})
  .describe("simulated clients that stop answering, drawn by the seed");
