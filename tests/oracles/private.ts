/**
 * Clipped updates, without noise, divided by the size of the cohort.
 *
 * dp-fedavg, dp-fedavgm: H. B. McMahan et al., ICLR 2018, arXiv:1710.06963. dp-fedsam: Y. Shi et al., CVPR 2023,
 * arXiv:2303.11242. dp-fedlamb: M. Pelikan et al., NeurIPS 2025, arXiv:2310.00098; LAMB: Y. You et al., ICLR 2020,
 * arXiv:1904.00962. dp-fedpgn: J. Liu et al., 2025, arXiv:2510.27504; Laplacian smoothing: S. Osher et al., 2018,
 * arXiv:1806.06317.
 */
import { identity, mean, mix, norm, plus, scaled, solved, squares, type Vector, zeros } from "./plain.ts";
import { clipped, gradient, localUpdate, type Oracle, type Problem, plainUpdate, rounds } from "./problem.ts";
import { sharpGradient } from "./sharpness.ts";

/** Coordinates of each tensor. */
function layers({ x0, blocks }: Problem): number[][] {
  const all = x0.map((_, j) => j);
  return blocks === undefined ? [all] : all.map((j) => [j]);
}

/** Clip norms of layers of these sizes, whose squares sum to C^2. */
export function layerBounds(sizes: readonly number[], bound: number, clipping: string): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return sizes.map((size) => bound * Math.sqrt(clipping === "per-layer" ? 1 / sizes.length : size / total));
}

/** The update clipped as a whole, or layer by layer. */
function bounded(problem: Problem, update: Vector): Vector {
  const { clipNorm, clipping = "flat" } = problem.privacy!;
  if (clipping === "flat") return clipped(update, clipNorm);
  const parts = layers(problem);
  const bounds = layerBounds(
    parts.map((part) => part.length),
    clipNorm,
    clipping,
  );
  const result = zeros(update.length);
  for (const [l, part] of parts.entries()) {
    const values = clipped(
      part.map((j) => update[j]!),
      bounds[l]!,
    );
    for (const [k, j] of part.entries()) result[j] = values[k]!;
  }
  return result;
}

const dpFedavg: Oracle = (problem) =>
  rounds(problem, (x, cohort) => plus(x, mean(cohort.map((i) => bounded(problem, plainUpdate(problem, i, x))))));

const dpFedavgm: Oracle = (problem, options) => {
  const beta = options.number("beta");
  let v = zeros(problem.x0.length);
  return rounds(problem, (x, cohort) => {
    v = plus(mean(cohort.map((i) => bounded(problem, plainUpdate(problem, i, x)))), v, beta);
    return plus(x, v);
  });
};

const dpFedsam: Oracle = (problem, options) => {
  const rho = options.number("rho");
  return rounds(problem, (x, cohort) => {
    const direction = (i: number) => (y: Vector) => sharpGradient(problem, i, y, rho);
    return plus(x, mean(cohort.map((i) => bounded(problem, localUpdate(problem, x, direction(i))))));
  });
};

interface Lamb {
  readonly eta: number;
  readonly b1: number;
  readonly b2: number;
  readonly tau: number;
  readonly lambda: number;
}

/**
 * A server that takes LAMB's steps along mean updates: g = -mean; r = mhat / (sqrt(vhat) + tau) + lambda x;
 * x_l <- x_l - eta |x_l| / |r_l| r_l, with 1 for the ratio where a norm is 0.
 */
export function lamb({ eta, b1, b2, tau, lambda }: Lamb, parts: readonly (readonly number[])[], length: number) {
  let [m, v] = [zeros(length), zeros(length)];
  let t = 0;
  return (x: Vector, update: Vector): Vector => {
    const g = scaled(update, -1);
    t++;
    m = mix(b1, m, g);
    v = mix(b2, v, squares(g));
    const r = x.map((xj, j) => m[j]! / (1 - b1 ** t) / (Math.sqrt(v[j]! / (1 - b2 ** t)) + tau) + lambda * xj);
    const next = [...x];
    for (const part of parts) {
      const length = (values: Vector) => norm(part.map((j) => values[j]!));
      const ratio = length(x) === 0 || length(r) === 0 ? 1 : length(x) / length(r);
      for (const j of part) next[j] = x[j]! - eta * ratio * r[j]!;
    }
    return next;
  };
}

const dpFedlamb: Oracle = (problem, options) => {
  const [eta, tau, lambda] = [options.number("eta"), options.number("tau"), options.number("lambda")];
  const moments = { b1: options.number("b1"), b2: options.number("b2") };
  const step = lamb({ eta, tau, lambda, ...moments }, layers(problem), problem.x0.length);
  return rounds(problem, (x, cohort) => {
    return step(x, mean(cohort.map((i) => bounded(problem, plainUpdate(problem, i, x)))));
  });
};

/** (I - s Lap)^-1 v on a ring: (1 + 2 s) u_j - s u_{j-1} - s u_{j+1} = v_j */
function smoothed(v: Vector, s: number): Vector {
  const n = v.length;
  const system = identity(n);
  for (let j = 0; j < n; j++) {
    for (const k of [(j + 1) % n, (j + n - 1) % n]) {
      system[j]![j]! += s;
      system[j]![k]! -= s;
    }
  }
  return solved(system, v);
}

/** u = gamma g_i(y + s) + (1 - gamma) c; what is clipped is the update less the known shift (1 - gamma) K eta c. */
const dpFedpgn: Oracle = (problem, options) => {
  const [gamma, rho, strength] = [options.number("gamma"), options.number("rho"), options.number("smoothing", 0)];
  const sign = { ascent: 1, none: 0, descent: -1 }[options.text("perturbation", "ascent")]!;
  const kEta = problem.localSteps * problem.learningRate;
  let c = zeros(problem.x0.length);
  return rounds(problem, (x, cohort) => {
    const shift = scaled(c, (sign * rho) / (norm(c) + 1e-12));
    const known = scaled(c, (1 - gamma) * kEta);
    const residuals = cohort.map((i) => {
      const update = localUpdate(problem, x, (y) => mix(gamma, gradient(problem, i, plus(y, shift)), c));
      return bounded(problem, plus(scaled(update, -1), known, -1));
    });
    const descent = smoothed(plus(mean(residuals), known), strength);
    c = scaled(descent, 1 / kEta);
    return plus(x, descent, -1);
  });
};

export const privateMethods = {
  "dp-fedavg": dpFedavg,
  "dp-fedavgm": dpFedavgm,
  "dp-fedsam": dpFedsam,
  "dp-fedlamb": dpFedlamb,
  "dp-fedpgn": dpFedpgn,
};
