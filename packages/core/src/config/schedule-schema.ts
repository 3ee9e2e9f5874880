import * as z from "zod";
import { deviceSpeeds } from "../clock/index.ts";
import { clientWeightings, scheduleNames, stalenessForms } from "../schedule/index.ts";

const every = z.int().min(0);
const positive = z.int().min(1);

/** When work is given out. */
export const schedule = z
  .strictObject({
    name: z
      .enum(scheduleNames)
      .optional()
      .describe(
        '"synchronous": a round waits for its cohort; "buffered": it takes the next updates that arrive. "ticks": it takes those that arrive in a period; "arrival-groups": those of clients that are to arrive together. Omitted: what the method is made for',
      ),
    keep: positive
      .optional()
      .describe(
        "synchronous: updates that a round waits for, the first to arrive; the rest of the cohort is over-selection; omitted: all",
      ),
    deadline: z
      .number()
      .positive()
      .optional()
      .describe("synchronous: simulated seconds after which a round ends without those that are late; omitted: none"),
    period: z.number().positive().optional().describe("ticks: simulated seconds between two steps of the server"),
    weighting: z
      .enum(clientWeightings)
      .optional()
      .describe(
        'fedfix, async-fedavg: "unbiased" weights make up for how often a client arrives; "identical" ones do not; omitted: unbiased',
      ),
    minSteps: positive.default(20).describe("arrival-groups: fewest local steps of a client"),
    maxSteps: positive.default(100).describe("arrival-groups: most local steps of a client"),
    latestFactor: z
      .number()
      .min(1)
      .default(1.5)
      .describe("arrival-groups: time that a group waits for its members, over the expected time (lambda)"),
    speedMomentum: z
      .number()
      .gt(0)
      .max(1)
      .default(0.9)
      .describe("arrival-groups: weight of the newest observation of a client's speed (mu)"),
    buffer: positive
      .optional()
      .describe("buffered: updates per round (K); omitted: 10, or what the method needs (1 for fedasync)"),
    concurrency: positive.optional().describe("buffered: clients that train at the same time; omitted: sampler.cohort"),
    staleness: z
      .enum(stalenessForms)
      .default("polynomial")
      .describe(
        'buffered: factor on an update that is u versions old: "constant" 1, "polynomial" (u+1)^-a, "hinge" 1 up to b and then 1/(a(u-b)+1), "linear" 1/(a u+1), "exponential" e^(-a u), "half-life" 2^(-u/a)',
      ),
    stalenessRate: z.number().min(0).default(0.5).describe("a of staleness"),
    stalenessGrace: z.number().min(0).default(4).describe("b of the hinge"),
    maxStaleness: every.optional().describe("buffered: older updates are left out; omitted: none are"),
    compensation: z
      .number()
      .min(0)
      .default(0)
      .describe(
        "buffered: strength lambda of the first-order term D - lambda D * D * (x - x_i) on stale updates (0 = none)",
      ),
  })
  .prefault({})
  .describe("when work is given out and what a round waits for");

/** How long simulated clients take. */
export const devices = z
  .strictObject({
    speed: z
      .enum(deviceSpeeds)
      .default("none")
      .describe(
        'simulated time that a client takes: "none", "equal", "exponential", "lognormal" or "pareto" (drawn), "list" (times) or "trace" (a file)',
      ),
    seconds: z
      .number()
      .positive()
      .default(1)
      .describe("mean simulated seconds per order (median with lognormal, least with pareto)"),
    spread: z.number().min(0).max(5).default(1).describe("standard deviation of the logarithm, with lognormal"),
    tail: z.number().positive().max(100).default(1.5).describe("tail index with pareto; lower means a heavier tail"),
    per: z.enum(["client", "order"]).default("client").describe('draw one time per "client", or one per "order"'),
    times: z
      .array(z.number().positive())
      .default([])
      .describe("simulated seconds by client, repeated from the start, with list"),
    memory: z
      .array(z.number().positive())
      .min(1)
      .optional()
      .describe(
        "fedpipe: memory of simulated clients in MB by client, repeated from the start; omitted: without limit",
      ),
    trace: z
      .string()
      .min(1)
      .optional()
      .describe("CSV file with device,from,until,seconds: when each device works and how long an order takes it"),
  })
  .prefault({})
  .describe("speeds of simulated clients; they never use the clock of the machine");
