import * as z from "zod";

export const upSampling = z
  .strictObject({
    rounds: z
      .int()
      .min(0)
      .default(0)
      .describe(
        "rounds of early training, which show the examples that are hard to learn; then training starts again (0 = none)",
      ),
    minimumClass: z.int().min(2).default(10).describe("classes with fewer examples at a client are left alone"),
  })
  .prefault({})
  .describe("examples that an early model has not learned are seen twice, as in USEFUL");
