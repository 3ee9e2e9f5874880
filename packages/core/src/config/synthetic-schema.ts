import * as z from "zod";

const positive = z.int().min(1);

/** `[data.synthetic]`: clients that are computed. */
export const synthetic = z
  .strictObject({
    shape: z.array(positive).min(1).default([1, 28, 28]).describe("shape of an example"),
    classes: z.int().min(2).max(256).default(10).describe("number of classes"),
    examples: positive.default(20).describe("number of examples per client"),
    classesPerClient: positive.optional().describe("number of classes per client; omitted: all"),
    noise: z.number().min(0).max(255).default(32).describe("standard deviation of the pixel noise, in grey levels"),
    testExamples: positive.default(1000).describe("number of test examples"),
  })
  .prefault({})
  .describe('synthetic clients, used if dataset = "synthetic"; they are not partitioned');
