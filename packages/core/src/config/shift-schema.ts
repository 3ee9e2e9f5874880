import * as z from "zod";
import { shiftKinds } from "../data/shift.ts";

/** `[data.shift]`: how the examples of clients differ beyond which classes they have. */
export const shift = z
  .strictObject({
    kind: z
      .enum(shiftKinds)
      .default("none")
      .describe('what differs: "labels", "rotation", "permutation", "pixels" by group of clients, "noise" by client'),
    groups: z.int().min(1).default(2).describe("number of groups of clients; the first is not shifted"),
    strength: z.number().min(0).default(0.1).describe('"noise" only: its standard deviation at the last client'),
  })
  .prefault({})
  .describe("shift of the clients' training examples; test examples stay as they are");
