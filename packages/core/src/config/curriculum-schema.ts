import * as z from "zod";

export const curriculum = z
  .strictObject({
    order: z
      .enum(["none", "easy-first", "hard-first", "random"])
      .default("none")
      .describe(
        'the part of its examples that a client trains on first, by their score under the model that it receives; "random": any, drawn in each round, for comparison',
      ),
    score: z
      .enum(["loss", "error-norm"])
      .optional()
      .describe('that score: "loss", or "error-norm", the norm of probabilities minus label (EL2N); omitted: loss'),
    pacing: z
      .enum(["linear", "polynomial", "log", "exponential", "step", "constant"])
      .default("linear")
      .describe("how the part of the examples that is trained on grows; polynomial: squared; constant: it does not"),
    start: z.number().min(0).max(1).default(0.2).describe("that part in the first round"),
    duration: z.number().min(0).max(1).default(0.8).describe("part of the rounds after which all examples are used"),
  })
  .prefault({})
  .describe("order of each client's examples over the rounds");
