/**
 * FedMuon: local Muon that starts each round from the mean momentum of the matrices and is pulled towards the last global
 * update after the orthogonalisation.
 *
 * Citation: J. Liu, F. Shang, J. Zhou, H. Liu, Y. Liu, J. Liu, "FedMuon: Accelerating Federated Learning with Matrix
 * Orthogonalization", 2025, arXiv:2510.27403.
 *
 * Update rule:
 *   M <- Mbar for every matrix; AdamW's state of the vectors <- 0
 *   K times: M <- mu * M + (1 - mu) * g;  U = (1 - mu) * g + mu * M
 *            matrices: y <- y - eta * (1 - alpha) * c * (scale * NS5(U) + wd * y) - eta * alpha * G
 *            vectors:  y <- y - eta * (1 - alpha) * adamw(g) - eta * alpha * G
 *   D_i = y - x
 *   x <- x + Dbar;  Mbar <- mean_i M_i;  G <- -Dbar / (K eta)
 *
 * Symbols: x -> parameters -> [d]; M -> preconditioner -> [d_mat]; G -> direction (gradient-signed) -> [d];
 *   alpha -> directionShare -> []; mu -> momentum -> []; c -> matrixRate -> []; rho -> rankShare -> [];
 *   wd -> training.weightDecay -> []
 * State: server {parameters [d], preconditioner [d_mat], direction [d], steps [1]}; client none.
 * Wire: down 2d + d_mat + 1, up d + d_mat (matrices: d_mat floats, nearly all of d); with upload = "truncated-svd"
 *   q (m + n + 1) floats for each matrix [m, n] instead, about d + rho * d_mat.
 * Differences: follows the released code where theory differs (Newton-Schulz instead of the exact polar factor, Nesterov,
 *   scale, decay, c). The scale of an embedding is that of the dense map of a one-hot row, sqrt(max(1, width / rows)); the
 *   code has rows / width. The update is aligned, not the gradient. The truncated SVD sends the first
 *   q = max(1, floor(rho * m * n / (m + n + 1))) triples of each M_i, kernels as [out, in * kh * kw] (the released code has
 *   q = 0 for small matrices), or the matrix itself where that is no larger; the server averages the rebuilt matrices.
 *   rankEnergy, which gives each matrix a rank of its own, is ours. Two other methods of this name exist
 *   (arXiv:2509.26337 and arXiv:2510.03866); this is neither. Dbar is weighted as aggregation.weighting says, by examples
 *   unless set; the mean of M_i is uniform.
 */
import { add, mul } from "@anabranch/engine";
import * as z from "zod";
import type { CodecSpec } from "../codecs/index.ts";
import type { Layout } from "../params/layout.ts";
import type { LocalSettings } from "./algorithm.ts";
import { defineMethod } from "./define-method.ts";
import { localOptimizer, optimizerShape } from "./local-optimizer.ts";
import { modelDelta } from "./local-sgd.ts";
import { vectors } from "./method.ts";
import { optimizerSteps } from "./optimizer-steps.ts";
import { combine } from "./parameter-tensors.ts";
import { receivedStart, wholePreconditioner } from "./preconditioner.ts";
import { meanGradient, stepFrom } from "./server.ts";
import { MODEL, SCALAR, uniformMean, weightedMean } from "./shapes.ts";

const share = z.number().min(0).lt(1);
const portion = z.number().positive().max(1).optional();

/**
 * The algorithm of the method from its options; the head of this file describes it.
 *
 * @example
 * ```ts
 * import { fedmuon } from "@anabranch/core";
 * fedmuon.definition.name; // => "fedmuon"
 * ```
 */
export const fedmuon = defineMethod({
  name: "fedmuon",
  options: z
    .strictObject({
      directionShare: share.default(0.5).describe("share of the last global update in a step (alpha)"),
      momentum: share.default(0.98).describe("momentum of the matrices (mu)"),
      matrixRate: optimizerShape.matrixRate,
      hiddenOnly: optimizerShape.hiddenOnly,
      upload: z.enum(["whole", "truncated-svd"]).default("whole").describe("how the momentum travels up"),
      rankShare: portion.describe("truncated-svd: floats sent as a share of the whole matrix (rho)"),
      rankEnergy: portion.describe("truncated-svd, instead: share of the squared singular values to keep"),
    })
    .superRefine(requireOneRank),
  symbols: { alpha: "directionShare", mu: "momentum", c: "matrixRate", rho: "rankShare" },
  build({ directionShare: alpha, upload, rankShare, rankEnergy, ...own }) {
    const muon = (model: Layout, run: LocalSettings) => localOptimizer({ optimizer: "muon", ...own }, model, run);
    const momenta = wholePreconditioner(muon, codecOf({ upload, rankShare, rankEnergy }));
    return vectors({
      server: {
        parameters: MODEL,
        preconditioner: momenta.shape,
        steps: SCALAR,
        direction: alpha > 0 ? MODEL : undefined,
      },
      upload: {
        delta: weightedMean(MODEL),
        preconditioner: uniformMean(momenta.shape, { drift: true, codec: momenta.codec }),
      },
    }).method({
      countsSteps: true,
      local: optimizerSteps({
        optimizer: muon,
        // M <- Mbar
        start: (first, local) => receivedStart(momenta, first, local),
        // y <- y - eta * (1 - alpha) * u - eta * alpha * G, where u is the step of Muon, or of AdamW for vectors
        direction: (u, { broadcast: { direction: G } }) =>
          G === undefined ? u : combine((own, global) => add(mul(own, 1 - alpha), mul(global, alpha)), u, G),
        result: (y, M, local) => ({
          update: { delta: modelDelta(y, local), preconditioner: momenta.pack(M, local.model) },
          state: {},
        }),
      }),
      // x <- x + Dbar;  Mbar <- mean_i M_i;  G <- -Dbar / (K eta)
      update: ({ parameters, steps }, { delta, preconditioner }, round) => ({
        parameters: stepFrom(parameters, 1, delta),
        preconditioner,
        steps: steps + round.localSteps,
        direction: meanGradient(delta, round),
      }),
    });
  },
});

interface Rank {
  readonly upload: "whole" | "truncated-svd";
  readonly rankShare?: number | undefined;
  readonly rankEnergy?: number | undefined;
}

function codecOf({ rankShare, rankEnergy }: Rank): CodecSpec | undefined {
  if (rankShare !== undefined) return { name: "truncated-svd", share: rankShare };
  return rankEnergy === undefined ? undefined : { name: "truncated-svd", energy: rankEnergy };
}

/** A truncated SVD needs one rule for its rank, and a whole upload has no rank. */
function requireOneRank({ upload, rankShare, rankEnergy }: Rank, issues: z.RefinementCtx): void {
  const refuse = (option: string, message: string, input: unknown) =>
    issues.addIssue({ code: "custom", path: [option], message, input });
  const given = Object.entries({ rankShare, rankEnergy }).find(([, value]) => value !== undefined);
  if (upload === "whole" && given !== undefined) refuse(given[0], 'nothing unless upload = "truncated-svd"', given[1]);
  if (upload === "truncated-svd" && given === undefined)
    refuse("upload", 'rankShare or rankEnergy beside "truncated-svd"', upload);
  if (rankShare !== undefined && rankEnergy !== undefined)
    refuse("rankEnergy", "nothing where rankShare is given: one of them sets the rank", rankEnergy);
}
