/**
 * FedLD: the server replaces each update by what the leading principal directions of all updates say of it, tensor by tensor.
 * Its clients also train with `training.loss.margin`, a penalty on confident outputs.
 *
 * Citation: S. Zeng, P. Guo, S. Wang, J. Wang, Y. Zhou, L. Qu, "Tackling Data Heterogeneity in Federated Learning via Loss
 * Decomposition", MICCAI 2024, arXiv:2408.12300.
 *
 * Update rule:
 *   K times: y <- y - eta * g_i(y), of the loss CE + lambda log(1 + |P|^2) with softmax outputs P;  D_i = y - x
 *   for each tensor: G = the D_i as rows;  G G^T / m = U diag(s) U^T;  v_j = G^T u_j;  k = floor(rho m)
 *     D_i' = sum_{j <= k} s_j / sum(s) |D_i| sign(<D_i, v_j>) v_j / |v_j|
 *   x <- x + eta_g * mean_i D_i' (in the first round: mean_i D_i)
 *
 * Symbols: x -> parameters -> [d]; lambda -> training.loss.margin -> []; rho -> principalShare -> [];
 *   eta_g -> serverLearningRate -> []
 * State: server {parameters [d]}; client none.
 * Wire: down d, up d.
 * Differences: at least one direction counts. The paper's flip of directions is left out, as it changes nothing. Updates that
 *   are nearly orthogonal become shorter than their mean, so the server has a learning rate. `algorithm.name` alone is the
 *   server's half: set training.loss.margin, 0.03 in the paper, for the client's.
 */
import * as z from "zod";
import { modelOf } from "../gossip/index.ts";
import { revisedUpdates } from "../heterogeneity/index.ts";
import { type Vector, zerosLike } from "../params/vector.ts";
import { updatesOf } from "./clusters.ts";
import { defineMethod } from "./define-method.ts";
import { localSgd } from "./local-sgd.ts";
import { type MethodBody, vectors } from "./method.ts";
import { stepFrom } from "./server.ts";
import { MODEL, uniformMean } from "./shapes.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedld } from "@anabranch/core";
 * fedld.definition.name; // => "fedld"
 * ```
 */
export const fedld = defineMethod({
  name: "fedld",
  options: z.strictObject({
    principalShare: z
      .number()
      .positive()
      .max(1)
      .default(0.8)
      .describe("share of the principal directions that counts (rho)"),
    serverLearningRate: z.number().positive().default(1).describe("server step on the mean of the revised updates"),
  }),
  symbols: { rho: "principalShare" },
  build({ principalShare, serverLearningRate }): MethodBody {
    const body = vectors({ server: { parameters: MODEL }, upload: { delta: uniformMean(MODEL) } }).method({
      local: localSgd(),
      update: ({ parameters }) => ({ parameters }),
    });
    return {
      ...body,
      payloads: (model) => ({ ...body.payloads(model), upload: { delta: { layout: model, aggregation: "each" } } }),
      update(state, aggregate, context) {
        const { parameters } = state.vectors;
        const side = updatesOf(aggregate, context);
        const updates = Array.from({ length: side.count }, (_, i) => modelOf(side, i));
        const share = Math.max(principalShare, 1 / updates.length);
        const revised = context.round === 1 ? updates : revisedUpdates(updates, context.layout, share);
        const mean = meanOf(revised, parameters);
        return { ...state, vectors: { parameters: stepFrom(parameters, serverLearningRate, mean) } };
      },
    };
  },
});

/** The mean of vectors, summed in their order in float64, as floats like those of `like`. */
function meanOf(rows: readonly ArrayLike<number>[], like: Vector): Vector {
  const mean = zerosLike(like);
  for (let k = 0; k < mean.length; k++) {
    let sum = 0;
    for (const row of rows) sum += row[k]!;
    mean[k] = sum / rows.length;
  }
  return mean;
}
