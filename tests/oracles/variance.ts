/**
 * Local steps corrected by what the server or the client remembers of earlier rounds, and uploads of blocks.
 *
 * scaffold: S. P. Karimireddy et al., ICML 2020, arXiv:1910.06378, Algorithm 1, option II. fedcm: J. Xu et al., 2021,
 * arXiv:2106.10874. fedbcgd, fedbcgd+: J. Liu et al., ACM MM 2024, arXiv:2603.05116; the form "mask" of the client
 * controls is Anabranch's own.
 */
import { map2, mean, minus, mix, plus, scaled, type Vector, zeros } from "./plain.ts";
import { gradient, localUpdate, type Oracle, type Problem, plainUpdate, rounds } from "./problem.ts";

/** y <- y - eta (g_i(y) - c_i + c) */
function controlledUpdate(problem: Problem, i: number, x: Vector, own: Vector, c: Vector): Vector {
  return localUpdate(problem, x, (y) => plus(minus(gradient(problem, i, y), own), c));
}

/** c_i - c + (x - y) / (K eta), which is the mean gradient of the client's steps */
function newControl({ localSteps, learningRate }: Problem, update: Vector, own: Vector, c: Vector): Vector {
  return plus(minus(own, c), update, -1 / (localSteps * learningRate));
}

const scaffold: Oracle = (problem, options) => {
  const etaG = options.number("serverLearningRate", 1);
  const clients = problem.a.length;
  let c = zeros(problem.x0.length);
  const own = problem.a.map(() => c);
  return rounds(problem, (x, cohort) => {
    const updates = cohort.map((i) => controlledUpdate(problem, i, x, own[i]!, c));
    const changes = cohort.map((i, place) => minus(newControl(problem, updates[place]!, own[i]!, c), own[i]!));
    for (const [place, i] of cohort.entries()) own[i] = plus(own[i]!, changes[place]!);
    c = plus(c, mean(changes), cohort.length / clients);
    return plus(x, mean(updates), etaG);
  });
};

/** y <- y - eta (alpha g_i(y) + (1 - alpha) c); c <- -Dbar / (K eta) */
const fedcm: Oracle = (problem, options) => {
  const [alpha, etaG] = [options.number("alpha"), options.number("serverLearningRate", 1)];
  let c = zeros(problem.x0.length);
  return rounds(problem, (x, cohort) => {
    const direction = (i: number) => (y: Vector) => mix(alpha, gradient(problem, i, y), c);
    const update = mean(cohort.map((i) => localUpdate(problem, x, direction(i))));
    c = scaled(update, -1 / (problem.localSteps * problem.learningRate));
    return plus(x, update, etaG);
  });
};

/** Whether the client at a place of the cohort sends coordinate j: its block's and the shared ones. */
function sends({ blocks }: Problem, round: number, place: number, j: number): boolean {
  const { coordinates, assignment } = blocks!;
  const shared = coordinates.every((block) => !block.includes(j));
  return shared || coordinates[assignment![round]![place]!]!.includes(j);
}

/** Mean of every coordinate over those who send it; 0 where nobody does. */
function blockMean(problem: Problem, round: number, vectors: readonly Vector[]): Vector {
  return problem.x0.map((_, j) => {
    const sent = vectors.filter((_, place) => sends(problem, round, place, j)).map((vector) => vector[j]!);
    return sent.length === 0 ? 0 : sent.reduce((sum, value) => sum + value, 0) / sent.length;
  });
}

const fedbcgd: Oracle = (problem, options) => {
  const beta = options.number("beta");
  let v = zeros(problem.x0.length);
  return rounds(problem, (x, cohort, round) => {
    const updates = cohort.map((i) => plainUpdate(problem, i, x));
    v = plus(blockMean(problem, round, updates), v, beta);
    return plus(x, v);
  });
};

const fedbcgdPlus: Oracle = (problem, options) => {
  const beta = options.number("beta");
  const form = options.text("controlForm", "mask");
  const p = form === "ema" ? options.number("p") : 0;
  let [v, c] = [zeros(problem.x0.length), zeros(problem.x0.length)];
  const own = problem.a.map(() => c);
  return rounds(problem, (x, cohort, round) => {
    const updates = cohort.map((i) => controlledUpdate(problem, i, x, own[i]!, c));
    const fresh = cohort.map((i, place) => newControl(problem, updates[place]!, own[i]!, c));
    if (form === "ema") {
      const sent = fresh.map((n) => minus(n, c));
      for (const [place, i] of cohort.entries()) own[i] = fresh[place]!;
      c = plus(c, blockMean(problem, round, sent), round === 0 ? 1 : p);
    } else {
      let sum = zeros(x.length);
      for (const [place, i] of cohort.entries()) {
        const change = minus(fresh[place]!, own[i]!).map((d, j) => (sends(problem, round, place, j) ? d : 0));
        own[i] = plus(own[i]!, change);
        sum = plus(sum, change);
      }
      c = map2((cj, s) => cj + s / problem.a.length, c, sum);
    }
    v = plus(blockMean(problem, round, updates), v, beta);
    return plus(x, v);
  });
};

export const variance = { scaffold, fedcm, fedbcgd, "fedbcgd+": fedbcgdPlus };
