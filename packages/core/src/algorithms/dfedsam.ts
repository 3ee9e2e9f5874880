/**
 * DFedSAM: nodes take sharpness-aware steps, so that their models are flat and agree better; DFedSAM-MGS averages with
 * neighbours several times in a round.
 *
 * Citation: Y. Shi, L. Shen, K. Wei, Y. Sun, B. Yuan, X. Wang, D. Tao, "Improving the Model Consistency of Decentralized
 * Federated Learning", ICML 2023, arXiv:2302.04083.
 *
 * Update rule:
 *   in every round at node i with neighbours j:
 *   y <- x_i;  K times, on one batch: g1 = g_i(y);  g2 = g_i(y + rho * g1 / |g1|);  y <- y - eta * g2
 *   z_i = y;  Q times: z_i <- sum_j W_ij z_j;  x_i = z_i
 *
 * Symbols: x_i -> nodes -> [nodes, d]; W -> topology -> [nodes, nodes]; rho -> perturbationRadius -> [];
 *   Q -> gossipSteps -> []
 * State: server none; here the models of all nodes, and as parameters their mean; client none.
 * Wire: down 0, up Q d to each node that listens; two gradients per step.
 * Differences: gossipSteps is 1 by default (DFedSAM); the paper's MGS takes 4. Weight decay and clip apply as configured.
 */
import * as z from "zod";
import { defineMethod } from "./define-method.ts";
import { gossipMethod } from "./gossip-method.ts";
import { localSgd } from "./local-sgd.ts";
import { sharpnessAware } from "./sharpness.ts";

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { dfedsam } from "@anabranch/core";
 * dfedsam.definition.name; // => "dfedsam"
 * ```
 */
export const dfedsam = defineMethod({
  name: "dfedsam",
  options: z.strictObject({
    perturbationRadius: z.number().min(0).default(0.01).describe("length of the perturbation (rho)"),
    gossipSteps: z.int().positive().default(1).describe("times that neighbours average in a round (Q)"),
  }),
  symbols: { rho: "perturbationRadius", Q: "gossipSteps" },
  build: ({ perturbationRadius: rho, gossipSteps: steps }) =>
    gossipMethod(localSgd({ direction: sharpnessAware(rho, false) }), { name: "mean", steps }),
});
