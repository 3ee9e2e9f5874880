import * as z from "zod";

const positive = z.int().min(1);

/** The section [privacy] of a configuration. */
export const privacy = z
  .strictObject({
    mechanism: z
      .enum(["none", "gaussian", "discrete-gaussian", "skellam"])
      .default("none")
      .describe(
        'noise on the sum of clipped updates: "none", "gaussian", or, as integers under [secureAggregation], "discrete-gaussian" or "skellam"',
      ),
    clipNorm: z
      .number()
      .positive()
      .default(1)
      .describe("maximum norm of a client's update, or of one record's contribution to it (C)"),
    noiseMultiplier: z
      .number()
      .min(0)
      .optional()
      .describe(
        "standard deviation of the noise on the sum, divided by clipNorm (z); omitted: 1, or chosen so that all rounds fit targetEpsilon",
      ),
    targetEpsilon: z.number().positive().optional().describe("budget: the run stops before epsilon exceeds it"),
    delta: z
      .number()
      .gt(0)
      .lt(1)
      .default(1e-5)
      .describe("delta of the reported epsilon; should be smaller than 1 / number of clients (or records)"),
    accountant: z
      .enum(["rdp", "pld"])
      .default("rdp")
      .describe(
        'how epsilon is computed: "rdp", or "pld", which is tighter and needs Poisson sampling or random allocation',
      ),
    clipping: z
      .enum(["flat", "per-layer", "per-layer-by-size"])
      .default("flat")
      .describe(
        '"flat": clip the whole update; "per-layer": clip each tensor to an equal share; "per-layer-by-size": to a share by its size',
      ),
    noise: z
      .enum(["central", "distributed", "local"])
      .optional()
      .describe(
        'who adds the noise: the server ("central"), each client a share ("distributed") or each client all of it ("local"); omitted: central, or distributed with integer noise',
      ),
    minimumSurvivors: positive
      .optional()
      .describe(
        "distributed noise only: number of clients whose noise shares add up to the full noise; a round with fewer survivors releases nothing",
      ),
    targetQuantile: z
      .number()
      .gt(0)
      .lt(1)
      .optional()
      .describe("adaptive clipping: clipNorm follows this quantile of the update norms; omitted: clipNorm is fixed"),
    clipLearningRate: z.number().positive().default(0.2).describe("learning rate of the adaptive clipNorm"),
    countNoise: z
      .number()
      .positive()
      .optional()
      .describe("standard deviation of the noise on the count of updates within clipNorm; omitted: cohort / 20"),
  })
  .prefault({})
  .describe(
    'client-level differential privacy, or record-level if the method supports it; the other keys apply only if mechanism is not "none"',
  );
