/**
 * FedGH: clients keep their whole body to themselves and send the mean representation of each of their classes; on these
 * the server trains the header that all share.
 *
 * Citation: L. Yi, G. Wang, X. Liu, Z. Shi, H. Yu, "FedGH: Heterogeneous Federated Learning with Generalized Global
 * Header", ACM MM 2023, arXiv:2303.13137 (Algorithm 1).
 *
 * Update rule:
 *   h_i <- H;  K times: (theta_i, h_i) <- (theta_i, h_i) - eta * g_i(theta_i, h_i)
 *   r_ic = mean of the outputs of theta_i over the examples of class c, of which there are n_ic
 *   server, one after the other for clients i in the order of the cohort and their classes c:
 *     H <- H - eta_h * grad CE(H(r_ic), c), the gradient scaled down to norm 50 where it is longer
 *   in use: client i has (theta_i, h_i)
 *
 * Symbols: H -> shared parameters -> [d]; h_i -> head -> [d]; theta_i -> parameters.personal -> []; eta_h -> headerLearningRate -> [];
 *   n_ic -> minimumCount -> []
 * State: server {parameters [d]}; client {personal parameters, head [d]}.
 * Wire: down d, up C (q + 1) = d; d counts the header alone, of C classes on q features.
 * Differences: as in the paper the header has an optimizer of its own; in the released code it never changes. r_ic is the
 *   mean over all examples of a class, not of the means of batches. A client sends zeros for classes of which it has fewer
 *   than minimumCount examples. All clients have the same kind of body here.
 */
import * as z from "zod";
import { type HeaderWeights, trainedHeader } from "../heterogeneity/index.ts";
import { entryView, type Layout } from "../params/layout.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import { classUploads, linearHead } from "./class-uploads.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { MODEL } from "./shapes.ts";

const NAME = "fedgh";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedgh } from "@anabranch/core";
 * fedgh({ headerPasses: 2 }).personal; // => { layers: ["*", "!head"] }
 * ```
 */
export const fedgh = defineMethod({
  name: NAME,
  options: z.strictObject({
    headerLearningRate: z.number().min(0).default(0.01).describe("step of the header on one class mean (eta_h)"),
    headerClip: z.number().positive().default(50).describe("largest norm of the header's gradient"),
    headerPasses: z.int().positive().default(1).describe("times that the server goes through all class means"),
    minimumCount: z.int().positive().default(2).describe("examples of a class from which on a client sends its mean"),
  }),
  symbols: { eta_h: "headerLearningRate" },
  build({ headerLearningRate: learningRate, headerClip: clip, headerPasses: passes, minimumCount }) {
    const classes = classUploads(NAME, { minimumCount, covariances: false });
    return vectors({
      server: { parameters: MODEL },
      client: { head: MODEL },
      upload: { classes: classes.declared },
    }).method({
      personal: { layers: ["*", "!head"] },
      ownModel: (_global, kept) => kept?.["head"],
      local: localSgd({
        result: (y, local) => ({
          update: { classes: classes.message(local.representations(y), local.model) },
          state: { head: y },
        }),
      }),
      update({ parameters }, uploads, { layout: model }) {
        const prototypes = classes.read(uploads.classes, model).map((client) =>
          client.flatMap((one, label) => {
            return one === undefined ? [] : [{ label, count: one.count, mean: Array.from(one.mean) }];
          }),
        );
        const head = headerOf(parameters, model);
        return {
          parameters: parametersOf(
            trainedHeader(head, linearHead(model, NAME).classes, prototypes, { learningRate, clip, passes }),
            parameters,
            model,
          ),
        };
      },
    });
  },
});

/** The header with a row for each class; models have a column. */
function headerOf(parameters: Vector, model: Layout): HeaderWeights {
  const { weight, bias, features, classes } = linearHead(model, NAME);
  const columns = entryView(parameters, weight);
  return {
    weight: Float64Array.from(columns, (_, k) => columns[(k % features) * classes + Math.floor(k / features)]!),
    bias: Float64Array.from(entryView(parameters, bias)),
  };
}

/** The parameters of a header. */
function parametersOf(header: HeaderWeights, like: Vector, model: Layout): Vector {
  const { weight, bias, features, classes } = linearHead(model, NAME);
  const next = zerosLike(like);
  const columns = entryView(next, weight);
  for (let k = 0; k < columns.length; k++)
    columns[k] = header.weight[(k % classes) * features + Math.floor(k / classes)]!;
  entryView(next, bias).set(header.bias!);
  return next;
}
