import * as z from "zod";
import { questionFamilies } from "../data/question-grammar.ts";

/** `[data.questions]`: questions that are generated about grids of images. */
export const questions = z
  .strictObject({
    families: z
      .array(z.enum(questionFamilies))
      .refine((families) => new Set(families).size === families.length, "each family once")
      .default([])
      .describe('what questions are about: "position", "presence", "count", "sameness", "comparison"; empty: none'),
    ownersPerFamily: z.int().min(1).default(1).describe("owners of each family, with images of their own"),
    gridsPerImage: z
      .int()
      .min(1)
      .max(100)
      .default(1)
      .describe("training grids that an image is in; more than 1 leaves no hold-out"),
  })
  .prefault({})
  .describe(
    "grids of four grey images with a generated question each, in place of the images; labels are answers. Real images, generated questions",
  );
