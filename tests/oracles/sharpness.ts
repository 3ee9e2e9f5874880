/**
 * Gradients at perturbed parameters.
 *
 * fedsam, mofedsam: Z. Qu et al., ICML 2022, arXiv:2206.02618; adaptive: D. Caldarola et al., ECCV 2022, arXiv:2203.11834.
 * fedspeed: Y. Sun et al., ICLR 2023, arXiv:2302.10429, Algorithm 1 with h_i = -lambda ghat_i, and the form of its released
 * code; the perturbation is normalised in both. fednsam: J. Liu et al., ACM MM 2025, arXiv:2602.23827.
 */
import { mean, minus, mix, norm, plus, scaled, type Vector, zeros } from "./plain.ts";
import { gradient, localUpdate, type Oracle, type Problem, perturbed, rounds } from "./problem.ts";

/** g_i(y + rho g / |g|), g = g_i(y) */
export function sharpGradient(problem: Problem, i: number, y: Vector, rho: number, adaptive = false): Vector {
  return gradient(problem, i, perturbed(y, gradient(problem, i, y), rho, adaptive));
}

const fedsam: Oracle = (problem, options) => {
  const [rho, adaptive] = [options.number("rho"), options.flag("adaptive", false)];
  return rounds(problem, (x, cohort) => {
    const direction = (i: number) => (y: Vector) => sharpGradient(problem, i, y, rho, adaptive);
    return plus(x, mean(cohort.map((i) => localUpdate(problem, x, direction(i)))));
  });
};

const mofedsam: Oracle = (problem, options) => {
  const [alpha, rho] = [options.number("alpha"), options.number("rho")];
  let c = zeros(problem.x0.length);
  return rounds(problem, (x, cohort) => {
    const direction = (i: number) => (y: Vector) => mix(alpha, sharpGradient(problem, i, y, rho), c);
    const update = mean(cohort.map((i) => localUpdate(problem, x, direction(i))));
    c = scaled(update, -1 / (problem.localSteps * problem.learningRate));
    return plus(x, update);
  });
};

/** y <- y - eta (gt + (h_i + y - x) / lambda), gt = (1 - alpha) g1 + alpha g2; h_i <- h_i + (y - x) */
const fedspeed: Oracle = (problem, options) => {
  const [strength, rho] = [options.number("proximalStrength"), options.number("rho")];
  const [alpha, form] = [options.number("alpha", 1), options.text("form", "code")];
  const h = problem.a.map(() => zeros(problem.x0.length));
  return rounds(problem, (x, cohort) => {
    const updates = cohort.map((i) =>
      localUpdate(problem, x, (y) => {
        const g = mix(alpha, sharpGradient(problem, i, y, rho), gradient(problem, i, y));
        return plus(g, plus(h[i]!, minus(y, x)), strength);
      }),
    );
    for (const [place, i] of cohort.entries()) h[i] = plus(h[i]!, updates[place]!);
    const correction = form === "paper" ? mean(cohort.map((i) => h[i]!)) : mean(h);
    return plus(plus(x, mean(updates)), correction);
  });
};

/** m <- gamma m + Dbar; x <- x + m */
const fednsam: Oracle = (problem, options) => {
  const [gamma, rho] = [options.number("gamma"), options.number("rho")];
  const form = options.text("perturbation", "momentum");
  let m = zeros(problem.x0.length);
  return rounds(problem, (x, cohort) => {
    const updates = cohort.map((i) => {
      if (form === "gradient") {
        return localUpdate(problem, plus(x, m, gamma), (z) => sharpGradient(problem, i, z, rho));
      }
      const ahead = Math.max(0, gamma - rho / (norm(m) + 1e-12)); // no perturbation longer than the look-ahead
      return localUpdate(problem, x, (y) => gradient(problem, i, plus(y, m, ahead)));
    });
    m = plus(mean(updates), m, gamma);
    return plus(x, m);
  });
};

export const sharpness = { fedsam, mofedsam, fedspeed, fednsam };
