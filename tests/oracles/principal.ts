/**
 * fedld: S. Zeng et al., MICCAI 2024, arXiv:2408.12300. The whole vector is one tensor; updates are projected on the leading
 * eigenvectors of their covariance, without the flip of directions.
 */
import { dot, eigen, mean, norm, plus, scaled, type Vector } from "./plain.ts";
import { type Oracle, plainUpdate, rounds } from "./problem.ts";

/** |D_i| times the sum over directions of the share of the spectrum times the unit vector of the projection. */
function revised(updates: readonly Vector[], directions: number): Vector[] {
  const d = updates[0]!.length;
  const axes = Array.from({ length: d }, (_, j) => j);
  // eigenvectors of the covariance [d, d] are the directions, and their eigenvalues the spectrum of the Gram matrix
  const covariance = axes.map((i) =>
    axes.map((j) => updates.reduce((sum, u) => sum + u[i]! * u[j]!, 0) / updates.length),
  );
  const { values, vectors } = eigen(covariance);
  const total = values.reduce((sum, value) => sum + value, 0);
  return updates.map((update) => {
    let out = update.map(() => 0);
    for (const j of axes.slice(0, directions)) {
      const direction = vectors.map((row) => row[j]!);
      const along = dot(update, direction);
      if (values[j]! < 1e-12 || Math.abs(along) < 1e-12) continue;
      out = plus(out, scaled(direction, Math.sign(along)), (values[j]! / total) * norm(update));
    }
    return out;
  });
}

const fedld: Oracle = (problem, options) => {
  const [rho, etaG] = [options.number("principalShare"), options.number("serverLearningRate", 1)];
  return rounds(problem, (x, cohort, round) => {
    const updates = cohort.map((i) => plainUpdate(problem, i, x));
    const directions = Math.max(1, Math.floor(rho * cohort.length + 1e-12));
    return plus(x, mean(round === 0 ? updates : revised(updates, directions)), etaG);
  });
};

export const principal = { fedld };
