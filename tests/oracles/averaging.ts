/**
 * Averages of updates and what a server makes of them.
 *
 * fedavg: H. B. McMahan et al., AISTATS 2017, arXiv:1602.05629. fedavgm: T.-M. H. Hsu et al., 2019, arXiv:1909.06335.
 * fedprox: T. Li et al., MLSys 2020, arXiv:1812.06127. fedadagrad, fedadam, fedyogi: S. J. Reddi et al., ICLR 2021,
 * arXiv:2003.00295, Algorithm 2.
 */
import { map2, mean, minus, plus, type Vector, zeros } from "./plain.ts";
import { gradient, localUpdate, type Options, type Oracle, type Problem, plainUpdate, rounds } from "./problem.ts";

const fedavg: Oracle = (problem, options) => {
  const etaG = options.number("serverLearningRate", 1);
  return rounds(problem, (x, cohort) => {
    return plus(x, mean(cohort.map((i) => plainUpdate(problem, i, x))), etaG);
  });
};

/** v <- beta v + Dbar; x <- x + eta_g v */
const fedavgm: Oracle = (problem, options) => {
  const [beta, etaG] = [options.number("beta"), options.number("serverLearningRate", 1)];
  let v = zeros(problem.x0.length);
  return rounds(problem, (x, cohort) => {
    const update = mean(cohort.map((i) => plainUpdate(problem, i, x)));
    v = plus(update, v, beta);
    return plus(x, v, etaG);
  });
};

/** y <- y - eta (g_i(y) + mu (y - x)) */
const fedprox: Oracle = (problem, options) => {
  const mu = options.number("proximalStrength");
  return rounds(problem, (x, cohort) => {
    const towards = (i: number) => (y: Vector) => plus(gradient(problem, i, y), minus(y, x), mu);
    return plus(x, mean(cohort.map((i) => localUpdate(problem, x, towards(i)))));
  });
};

/** m <- b1 m + (1 - b1) D; v <- rule(v, D^2); x <- x + eta m / (sqrt(v) + tau), from v = tau^2 */
function adaptiveServer(problem: Problem, options: Options, rule: (v: number, square: number) => number): Vector[] {
  const [eta, tau, b1] = [options.number("eta"), options.number("tau"), options.number("b1")];
  let m = zeros(problem.x0.length);
  let v = m.map(() => tau * tau);
  return rounds(problem, (x, cohort) => {
    const update = mean(cohort.map((i) => plainUpdate(problem, i, x)));
    m = map2((mj, d) => b1 * mj + (1 - b1) * d, m, update);
    v = map2((vj, d) => rule(vj, d * d), v, update);
    return x.map((xj, j) => xj + (eta * m[j]!) / (Math.sqrt(v[j]!) + tau));
  });
}

const fedadagrad: Oracle = (problem, options) => adaptiveServer(problem, options, (v, square) => v + square);

const fedadam: Oracle = (problem, options) => {
  const b2 = options.number("b2");
  return adaptiveServer(problem, options, (v, square) => b2 * v + (1 - b2) * square);
};

const fedyogi: Oracle = (problem, options) => {
  const b2 = options.number("b2");
  return adaptiveServer(problem, options, (v, square) => v - (1 - b2) * square * Math.sign(v - square));
};

export const averaging = { fedavg, fedavgm, fedprox, fedadagrad, fedadam, fedyogi };
