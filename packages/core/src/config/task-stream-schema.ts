import * as z from "zod";
import { streamKinds } from "../data/task-stream.ts";

/** `[taskStream]`: what clients train on changes from task to task, as in continual learning. */
export const taskStream = z
  .strictObject({
    kind: z
      .enum(streamKinds)
      .default("none")
      .describe(
        '"permuted-pixels": each task has the pixels in another order, drawn from the seed; "split-classes": each has some of the classes',
      ),
    tasks: z.int().min(1).max(1000).default(4).describe("number of tasks"),
    roundsPerTask: z.int().min(1).default(10).describe("rounds of each task; the last continues to the end of the run"),
  })
  .prefault({})
  .describe("tasks that come one after the other (continual learning); each is trained on without the earlier ones");
