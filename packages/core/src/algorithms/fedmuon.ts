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
import * as z from "zod";
import type { Algorithm } from "./algorithm.ts";
import { localOptimizer, optimizerShape } from "./local-optimizer.ts";
import { type Alignment, preconditioned, wholePreconditioner } from "./preconditioned.ts";

const portion = z.number().positive().max(1).optional();

export const fedmuonOptions = z
  .strictObject({
    directionShare: z.number().min(0).lt(1).default(0.5).describe("share of the last global update in a step (alpha)"),
    momentum: z.number().min(0).lt(1).default(0.98).describe("momentum of the matrices (mu)"),
    matrixRate: optimizerShape.matrixRate,
    hiddenOnly: optimizerShape.hiddenOnly,
    upload: z.enum(["whole", "truncated-svd"]).default("whole").describe("how the momentum travels up"),
    rankShare: portion.describe("truncated-svd: floats sent as a share of the whole matrix (rho)"),
    rankEnergy: portion.describe("truncated-svd, instead: share of the squared singular values to keep"),
  })
  .superRefine(requireOneRank);

type Settings = z.output<typeof fedmuonOptions>;

export function fedmuon(options: z.input<typeof fedmuonOptions> = {}): Algorithm {
  const settings = fedmuonOptions.parse(options);
  const { directionShare, upload, rankShare, rankEnergy, ...own } = settings;
  return preconditioned({
    name: "fedmuon",
    options: settings,
    optimizer: (model, run) => localOptimizer({ optimizer: "muon", ...own }, model, run),
    alignment: alignmentOf(settings),
    pull: { form: "convex", share: directionShare },
  });
}

function alignmentOf({ upload, rankShare, rankEnergy }: Settings): Alignment {
  if (upload === "whole") return wholePreconditioner;
  const rank = rankShare === undefined ? { energy: rankEnergy! } : { share: rankShare };
  return { ...wholePreconditioner, codec: { name: "truncated-svd", ...rank } };
}

/** A truncated SVD needs one rule for its rank, and a whole upload has no rank. */
function requireOneRank(
  {
    upload,
    rankShare,
    rankEnergy,
  }: { upload: string; rankShare?: number | undefined; rankEnergy?: number | undefined },
  issues: z.RefinementCtx,
): void {
  const refuse = (option: string, message: string, input: unknown) =>
    issues.addIssue({ code: "custom", path: [option], message, input });
  const given = Object.entries({ rankShare, rankEnergy }).find(([, value]) => value !== undefined);
  if (upload === "whole" && given !== undefined) refuse(given[0], 'nothing unless upload = "truncated-svd"', given[1]);
  if (upload === "truncated-svd" && given === undefined)
    refuse("upload", 'rankShare or rankEnergy beside "truncated-svd"', upload);
  if (rankShare !== undefined && rankEnergy !== undefined)
    refuse("rankEnergy", "nothing where rankShare is given: one of them sets the rank", rankEnergy);
}
