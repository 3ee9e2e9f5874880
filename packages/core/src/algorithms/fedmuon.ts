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
 *   alpha -> directionShare -> []; mu -> momentum -> []; c -> matrixRate -> []; wd -> training.weightDecay -> []
 * State: server {parameters [d], preconditioner [d_mat], direction [d], steps [1]}; client none.
 * Wire: down 2d + d_mat + 1, up d + d_mat (matrices: d_mat floats, nearly all of d).
 * Differences: follows the released code where theory differs (Newton-Schulz instead of the exact polar factor, Nesterov,
 *   scale, decay, c). The update is aligned, not the gradient. Two other methods of this name exist (arXiv:2509.26337 and
 *   arXiv:2510.03866); this is neither.
 */
import * as z from "zod";
import type { Algorithm } from "./algorithm.ts";
import { localOptimizer, optimizerShape } from "./local-optimizer.ts";
import { preconditioned, wholePreconditioner } from "./preconditioned.ts";

export const fedmuonOptions = z.strictObject({
  directionShare: z.number().min(0).lt(1).default(0.5).describe("share of the last global update in a step (alpha)"),
  momentum: z.number().min(0).lt(1).default(0.98).describe("momentum of the matrices (mu)"),
  matrixRate: optimizerShape.matrixRate,
  hiddenOnly: optimizerShape.hiddenOnly,
});

export function fedmuon(options: z.input<typeof fedmuonOptions> = {}): Algorithm {
  const settings = fedmuonOptions.parse(options);
  const { directionShare, ...own } = settings;
  return preconditioned({
    name: "fedmuon",
    options: settings,
    optimizer: (model, run) => localOptimizer({ optimizer: "muon", ...own }, model, run),
    alignment: wholePreconditioner,
    pull: { form: "convex", share: directionShare },
  });
}
