/**
 * Models of clients' own, beside or inside of the global one.
 *
 * fedper: M. G. Arivazhagan et al., 2019, arXiv:1912.00818. fedrep: L. Collins et al., ICML 2021, arXiv:2102.07078,
 * Algorithm 1. lg-fedavg: P. P. Liang et al., 2020, arXiv:2001.01523. fedbn: X. Li et al., ICLR 2021, arXiv:2102.07623.
 * ditto: T. Li et al., ICML 2021, arXiv:2012.04221, Algorithm 1. pfedme: C. T. Dinh et al., NeurIPS 2020,
 * arXiv:2006.08848, Algorithm 1. perfedavg: A. Fallah et al., NeurIPS 2020, arXiv:2002.07948. fedcac: X. Wu et al., ICCV
 * 2023, arXiv:2309.11103, Algorithm 1. partialfed: B. Sun et al., NeurIPS 2021. fedpub: J. Baek et al., ICML 2023,
 * arXiv:2206.10206. fedloge: Z. Xiao et al., ICLR 2024, arXiv:2401.08977.
 */
import { map2, mean, minus, plus, type Vector } from "./plain.ts";
import { gradient, localUpdate, type Options, type Oracle, type Problem, plainUpdate, rounds } from "./problem.ts";
import { rankOf } from "./ranked.ts";

/**
 * Each client keeps its values of the coordinates in `personal`; the others are averaged, and are what is returned.
 *
 * @param first of a visit: steps that move personal coordinates alone, after which only the shared ones move; absent:
 *   all move together
 */
function layered(problem: Problem, options: Options, first?: number): Vector[] {
  const { x0, a, cohorts, personal = [], learningRate, localSteps } = problem;
  const etaG = options.number("serverLearningRate", 1);
  const isOwn = (j: number) => personal.includes(j);
  const kept = a.map(() => x0);
  let x = x0;
  return cohorts.map((cohort) => {
    const updates = cohort.map((i) => {
      const start = x.map((value, j) => (isOwn(j) ? kept[i]![j]! : value));
      let y = start;
      for (let k = -(first ?? 0); k < localSteps; k++) {
        const moves = (j: number) => first === undefined || isOwn(j) === k < 0;
        const g = gradient(problem, i, y);
        y = y.map((value, j) => (moves(j) ? value - learningRate * g[j]! : value));
      }
      kept[i] = y;
      return minus(y, start);
    });
    x = plus(x, mean(updates), etaG);
    return x.filter((_, j) => !isOwn(j));
  });
}

const together: Oracle = (problem, options) => layered(problem, options);

/** headEpochs passes over the one example of a client, or headSteps, are as many steps. */
const fedrep: Oracle = (problem, options) => {
  const steps = options.number("headSteps", -1);
  return layered(problem, options, steps < 0 ? options.number("headEpochs", 5) : steps);
};

/** v_i <- v_i - eta (g_i(v_i) + lambda (v_i - x)) beside FedAvg, which never sees v_i */
const ditto: Oracle = (problem, options) => {
  const [lambda, etaG] = [options.number("proximalStrength"), options.number("serverLearningRate", 1)];
  const own = new Map<number, Vector>();
  return rounds(problem, (x, cohort) => {
    const updates = cohort.map((i) => {
      const v = own.get(i) ?? x;
      const pulled = (y: Vector) => plus(gradient(problem, i, y), minus(y, x), lambda);
      own.set(i, plus(v, localUpdate(problem, v, pulled)));
      return plainUpdate(problem, i, x);
    });
    return plus(x, mean(updates), etaG);
  });
};

/** w <- w - eta lambda (w - theta), theta from R steps of gradient descent on f_i(theta) + lambda / 2 |theta - w|^2 */
const pfedme: Oracle = (problem, options) => {
  const [lambda, R] = [options.number("proximalStrength"), options.number("innerSteps")];
  const [alpha, beta] = [options.number("innerLearningRate"), options.number("serverLearningRate", 1)];
  return rounds(problem, (x, cohort) => {
    const envelope = (i: number) => (w: Vector) => {
      let theta = w;
      for (let r = 0; r < R; r++) {
        const slope = plus(gradient(problem, i, theta), minus(theta, w), lambda);
        theta = plus(theta, slope, -alpha);
      }
      return minus(w, theta).map((value) => lambda * value);
    };
    return plus(x, mean(cohort.map((i) => localUpdate(problem, x, envelope(i)))), beta);
  });
};

/** The gradient of F_i(y - alpha g_i(y)), or without the factor 1 - alpha H_i, where H_i is diagonal. */
const perfedavg: Oracle = (problem, options) => {
  const [alpha, etaG] = [options.number("adaptationRate"), options.number("serverLearningRate", 1)];
  const isFull = options.text("form", "fo") === "hf";
  return rounds(problem, (x, cohort) => {
    const meta = (i: number) => (y: Vector) => {
      const u = gradient(problem, i, plus(y, gradient(problem, i, y), -alpha));
      return isFull ? map2((uj, curvature) => (1 - alpha * curvature) * uj, u, problem.a[i]!) : u;
    };
    return plus(x, mean(cohort.map((i) => localUpdate(problem, x, meta(i)))), etaG);
  });
};

/** The share of the coordinates of one tensor, without ties, that training moved most: |(w - s) w|. */
function critical(start: Vector, trained: Vector, fraction: number): boolean[] {
  const moved = map2((w, s) => Math.abs((w - s) * w), trained, start);
  return moved.map((_, j) => rankOf(moved, j) >= moved.length - Math.floor(fraction * moved.length));
}

/** All clients in every round: means of the critical values over clients of like masks, of the others over all. */
const fedcac: Oracle = (problem, options) => {
  const [fraction, beta] = [options.number("criticalFraction"), options.number("beta")];
  const everyone = problem.a.map((_, i) => i);
  let starts = everyone.map(() => problem.x0);
  return rounds(problem, (_x, cohort, round) => {
    if (cohort.length !== everyone.length) throw new Error("all clients are in every round of fedcac");
    const trained = starts.map((s, i) => plus(s, plainUpdate(problem, i, s)));
    const masks = trained.map((w, i) => critical(starts[i]!, w, fraction));
    const overlap = (i: number, k: number) => {
      const size = masks[i]!.filter((isIn) => isIn).length;
      return 1 - masks[i]!.filter((isIn, j) => isIn !== masks[k]![j]).length / (2 * size);
    };
    const pairs = everyone.flatMap((i) => everyone.filter((k) => k !== i).map((k) => overlap(i, k)));
    let sum = 0;
    for (const value of pairs) sum += value;
    const average = sum / pairs.length;
    const threshold = average + ((round + 1) / beta) * (Math.max(...pairs) - average);
    const global = mean(trained);
    starts = everyone.map((i) => {
      const like = mean(trained.filter((_, k) => k === i || overlap(i, k) >= threshold - 1e-12));
      return global.map((value, j) => (masks[i]![j] ? like[j]! : value));
    });
    return global;
  });
};

/** Client i keeps the coordinates of keeps[i mod n] from its own last model; whole models are averaged. */
const partialfed: Oracle = (problem, options) => {
  const keeps = options.lists("keeps");
  const models = new Map<number, Vector>();
  return rounds(problem, (x, cohort) => {
    const trained = cohort.map((i) => {
      const kept = keeps[i % keeps.length]!.map((name) => Number(name.slice(1)));
      const start = x.map((value, j) => (kept.includes(j) ? (models.get(i)?.[j] ?? value) : value));
      const model = plus(start, plainUpdate(problem, i, start));
      models.set(i, model);
      return model;
    });
    return mean(trained);
  });
};

/**
 * All clients in every round, each with a mask of its own on all values of x, which is one matrix. Random inputs do not decide
 * at the two ends: at temperature 0 all models are mixed evenly, and at a very high one none.
 */
const fedpub: Oracle = (problem, options) => {
  const [tau, lambda1, lambda2] = [
    options.number("temperature"),
    options.number("maskSparsity"),
    options.number("pull"),
  ];
  if (tau !== 0 && tau < 1e9) throw new Error("the oracle knows the two ends of the temperature alone");
  const { a, x0, learningRate, localSteps, weightDecay = 0 } = problem;
  let starts = a.map(() => x0);
  const masks = a.map(() => x0.map(() => 1));
  return rounds(problem, (_x, cohort) => {
    if (cohort.length !== a.length) throw new Error("all clients are in every round of fedpub");
    const trained = starts.map((s, i) => {
      let w = s;
      for (let k = 0; k < localSteps; k++) {
        const mask = masks[i]!;
        const g = gradient(
          problem,
          i,
          w.map((value, j) => value * mask[j]!),
        );
        masks[i] = mask.map((m, j) => m - learningRate * (g[j]! * w[j]! + lambda1 * Math.sign(m)));
        w = w.map((value, j) => {
          const slope = g[j]! * mask[j]! + 2 * lambda2 * (value - s[j]!) + weightDecay * value;
          return value - learningRate * slope;
        });
      }
      return w;
    });
    const global = mean(trained);
    starts = tau === 0 ? trained.map(() => global) : trained;
    return global;
  });
};

/**
 * Features under a fixed head, and the head on fixed features. Coordinates of a diagonal quadratic do not know of each other,
 * so neither the fixed head nor those of the clients move what is returned.
 */
const fedloge: Oracle = (problem, options) => {
  const etaG = options.number("serverLearningRate", 1);
  const { x0, blocks, learningRate, localSteps } = problem;
  const isBody = (j: number) => blocks!.coordinates.flat().includes(j);
  return rounds(problem, (x, cohort) => {
    const updates = cohort.map((i) => {
      let y = x;
      for (let k = 0; k < localSteps; k++) {
        const body = gradient(
          problem,
          i,
          y.map((value, j) => (isBody(j) ? value : x0[j]!)),
        );
        const head = gradient(problem, i, y);
        y = y.map((value, j) => value - learningRate * (isBody(j) ? body : head)[j]!);
      }
      return minus(y, x);
    });
    return plus(x, mean(updates), etaG);
  });
};

export const personal = {
  fedper: together,
  fedrep,
  "lg-fedavg": together,
  fedbn: together,
  ditto,
  pfedme,
  perfedavg,
  fedcac,
  partialfed,
  fedloge,
  fedpub,
};
