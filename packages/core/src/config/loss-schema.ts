import * as z from "zod";

export const loss = z
  .strictObject({
    adjustment: z
      .enum(["none", "client", "global"])
      .default("none")
      .describe(
        'logits are raised by the log of each class\'s count in training: "client", its own counts; "global", those of all',
      ),
    strength: z.number().min(0).default(1).describe("factor of that log (1 = balanced softmax)"),
    margin: z.number().min(0).default(0).describe("strength of a penalty on confident outputs, as in FedLD (0 = none)"),
    confusion: z
      .number()
      .min(0)
      .default(0)
      .describe("strength of a penalty on classes that are taken for each other, as in CAR (0 = none)"),
  })
  .prefault({})
  .describe("loss of the local steps, for data in which some classes are rare");
