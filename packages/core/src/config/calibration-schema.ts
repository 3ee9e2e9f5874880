import * as z from "zod";

export const calibration = z
  .strictObject({
    samples: z
      .int()
      .min(0)
      .default(0)
      .describe("virtual features of each class, on which the server retrains the head in the last round (0 = none)"),
    steps: z.int().min(1).default(100).describe("steps of gradient descent on all of them"),
    learningRate: z.number().positive().default(0.1).describe("learning rate of these steps"),
  })
  .prefault({})
  .describe("retraining of the head in the last round, from means and covariances of the classes");
