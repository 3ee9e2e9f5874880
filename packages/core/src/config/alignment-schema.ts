import * as z from "zod";

export const alignment = z
  .strictObject({
    gradient: z
      .number()
      .min(0)
      .default(0)
      .describe(
        "strength of the squared distance between the gradients of the head here and on average (beta; 0 = none)",
      ),
    hessian: z
      .number()
      .min(0)
      .default(0)
      .describe("strength of that distance for Hessians times these gradients (alpha; 0 = none)"),
  })
  .prefault({})
  .describe("penalty on clients whose loss is shaped differently, from means of the round before");
