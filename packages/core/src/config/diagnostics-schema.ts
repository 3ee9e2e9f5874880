import * as z from "zod";

const positive = z.int().min(1);

/** The section on diagnostics. */
export const diagnostics = z
  .strictObject({
    every: positive.default(1).describe("rounds between diagnostics; the last round is always measured"),
    flatness: z
      .boolean()
      .default(false)
      .describe("flatness distance, and local and global sharpness (simulations only)"),
    coherence: z.boolean().default(false).describe("gradient coherence of each cohort's updates"),
    conditioning: z.boolean().default(false).describe("condition of the weight matrices"),
    preconditioners: z
      .boolean()
      .default(false)
      .describe("relative variance of uploaded preconditioners between clients, by blocks"),
    clipping: z
      .boolean()
      .default(false)
      .describe("mean norm of updates before the clip, and share of clients clipped (simulations only)"),
    compression: z
      .boolean()
      .default(false)
      .describe("bytes of compressed uploads and broadcasts, and what they lose (simulations only)"),
    processorTime: z.boolean().default(false).describe("processor time of client tasks (simulations only)"),
    radius: z.number().positive().default(0.05).describe("flatness: length of the perturbations (rho)"),
    clients: positive.default(20).describe("flatness: number of clients, the same in every round"),
    batch: positive.default(50).describe("flatness: examples per client, the same in every round"),
    joulesPerByte: z
      .number()
      .positive()
      .optional()
      .describe("energy of the declared link; reported with joulesPerFlop"),
    joulesPerFlop: z
      .number()
      .positive()
      .optional()
      .describe("energy of the declared client device; reported with joulesPerByte"),
  })
  .prefault({})
  .describe("what is measured beside losses and accuracies; it never changes a result");
