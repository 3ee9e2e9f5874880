import * as z from "zod";
import { downFeedbacks, feedbacks } from "../compression/index.ts";

export const compression = z
  .strictObject({
    up: z
      .array(z.string().min(1))
      .default([])
      .describe(
        'operators on uploads in order, each with its options: "top-k density=0.01", "rand-k density=0.01", "count-sketch size=0.1", "srht size=0.1", "qsgd levels=4", "natural", "sign", "e3m0", "one-byte", "non-zeros", "nf4", "fedzip keep=0.1"; empty: none',
      ),
    down: z
      .array(z.string().min(1))
      .default([])
      .describe('operators on the model that goes down, as in up; empty: none. "top-k density=0.25" is that of FLASC'),
    downFeedback: z
      .enum(downFeedbacks)
      .default("none")
      .describe(
        '"none": clients start from what the operators leave of the model; "ef21": from a replica, to which compressed differences are sent. Clients that were not in the round before are sent the replica whole',
      ),
    scope: z
      .enum(["model", "layer"])
      .default("model")
      .describe('"model": operators act on the whole vector; "layer": on each parameter by itself'),
    feedback: z
      .enum(feedbacks)
      .default("none")
      .describe(
        'what clients do with what they did not send: "none", "ef14", "ef21", "ef21+", or "dgc" (with momentum)',
      ),
    momentum: z.number().min(0).lt(1).default(0.9).describe('momentum of feedback = "dgc"'),
    nesterov: z.boolean().default(false).describe('Nesterov momentum of feedback = "dgc"'),
    masking: z.boolean().default(true).describe('momentum factor masking of feedback = "dgc"'),
    vectors: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("uploaded vectors that are compressed; omitted: the change of the model"),
  })
  .prefault({})
  .describe("compression of uploads and broadcasts");
