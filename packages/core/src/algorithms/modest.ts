/**
 * MoDeST: federated averaging without a server. Nodes find the few that train in a round, and the fewer that average, by
 * hashing what they know of each other.
 *
 * Citation: M. de Vos, A. Dhasade, A.-M. Kermarrec, E. Lavoie, J. Pouwelse, "Decentralized Learning Made Practical with
 * Client Sampling", 2023, arXiv:2302.13837 (later named Plexus).
 *
 * Update rule:
 *   nodes active in the last W rounds, in the order of MD5(node - round): S the first s that answer, A the first a of them
 *   each node of S: K local steps from x; sends its model and its view to every node of the next A
 *   each node of A: x <- mean of the first sf s models; sends x and its view to every node of the next S
 *
 * Symbols: s -> sampler.cohort -> []; a -> aggregators -> []; sf -> successFraction -> []; W -> activityWindow -> []
 * State: server none; here the model that aggregators have, and the view, which is the sampler's; client none.
 * Wire: down a d, up a d per node of the cohort, and per message a view of 12 bytes for each node.
 * Differences: messages of a round arrive everywhere in the same order, so all aggregators have one model and all nodes one
 *   view. An aggregator waits no longer than schedule.deadline and averages what it has. A node that is about to drop out
 *   of the view announces itself again, which all know in the next round. Models are weighted by aggregation.weighting.
 *   A run without a node that has a model ends with an error.
 */
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, weightedMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { modest } from "@anabranch/core";
 * modest({ aggregators: 3 }).sampling?.aggregators; // => 3
 * ```
 */
export const modest = defineMethod({
  name: "modest",
  options: z.strictObject({
    aggregators: z.int().positive().default(2).describe("nodes that average in a round (a)"),
    successFraction: z
      .number()
      .gt(0)
      .max(1)
      .default(1)
      .describe("fraction of the cohort whose models an aggregator waits for (sf)"),
    activityWindow: z
      .int()
      .positive()
      .default(20)
      .describe("rounds without a sign of life after which a node is left out (W)"),
  }),
  symbols: { a: "aggregators", sf: "successFraction", W: "activityWindow" },
  build: (sampling) => ({
    ...vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      local: localSgd(),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 1, delta) }),
    }),
    sampling,
    traffic: ({ bytesDown, bytesUp, largestMessage }) => ({
      bytesDown: sampling.aggregators * bytesDown,
      bytesUp: sampling.aggregators * bytesUp,
      largestMessage,
    }),
  }),
});
