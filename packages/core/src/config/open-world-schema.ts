import * as z from "zod";

const strength = z.number().min(0);
const round = z.int().min(2);

/** `[data.unlabelled]`: which training labels nobody knows. */
export const unlabelled = z
  .strictObject({
    share: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe("share of each client's examples of other classes whose label is not known"),
    classes: z.array(z.int().min(0)).default([]).describe("classes that are never labelled"),
    single: z
      .array(z.int().min(0))
      .default([])
      .describe("classes whose examples one client alone has: the first at client 0, the next at client 1, and so on"),
  })
  .prefault({})
  .describe("training labels that are hidden from the clients (semi-supervised and open-world learning)");

/** `[training.openWorld]`: the loss of clients of whose examples some have no label. */
export const openWorld = z
  .strictObject({
    margin: strength.default(0).describe("factor of a client's uncertainty in the margin of labelled examples"),
    pairwise: strength.default(0).describe("strength of the term that makes outputs of similar examples alike"),
    entropy: strength.default(0).describe("strength of the term that spreads outputs over the classes"),
    suppressed: strength.default(0).describe("strength of the term that sharpens outputs, most of common classes"),
    rareWeight: z
      .number()
      .positive()
      .max(1)
      .default(0.2)
      .describe("weight of a class in that term that no example seems to have (beta)"),
    calibration: strength
      .default(0)
      .describe(
        "strength of the term that makes posteriors over the centroids of all clients alike (the paper has 0.5)",
      ),
    calibrationFrom: round.default(5).describe("first round with that term"),
    pseudoLabels: strength
      .default(0)
      .describe("strength of the cross-entropy of examples without a label whose posterior is sure"),
    pseudoLabelsFrom: round.default(7).describe("first round with that term"),
    confidence: z.number().min(0).lt(1).default(0.95).describe("posterior above which an example has a pseudo-label"),
    groups: z
      .int()
      .min(2)
      .max(1024)
      .default(32)
      .describe("groups of a client's examples, whose mean directions it sends for the centroids"),
    // a group of one would send the direction of an example
    smallest: z
      .int()
      .min(2)
      .default(5)
      .describe("examples of a group, or labelled examples of a class, below which nothing is sent of it"),
    view: z
      .enum(["same", "mirrored"])
      .default("same")
      .describe('what an example is compared with: a partner as it is ("same"), or "mirrored", for images'),
  })
  .prefault({})
  .describe("loss where some labels are hidden, as in FedoSSL; all 0: cross-entropy of labelled examples");
