/**
 * What depends on who takes part, when, and in which role.
 *
 * fedau: S. Wang, M. Ji, ICLR 2024, arXiv:2306.03401, Algorithms 1 and 2. fedamd: F. Wu et al., ICML 2023,
 * arXiv:2206.05891, Algorithm 1. fedlex: C. Interno et al., IJCNN 2024, arXiv:2506.18640. rerce: E. Lari et al., Signal
 * Processing 2025, arXiv:2409.13451, with K gradient steps for the minimum.
 */
import { map2, mean, minus, plus, scaled, squares, type Vector, zeros } from "./plain.ts";
import { gradient, localUpdate, type Oracle, type Problem, plainUpdate, rounds } from "./problem.ts";

/** Mean length omega of each client's intervals between visits, updated after every round. */
export function intervals(clients: number, cutoff: number) {
  const omega = Array.from({ length: clients }, () => 1);
  const [waited, ended] = [zeros(clients), zeros(clients)];
  return {
    omega,
    finishRound(cohort: readonly number[]): void {
      for (let i = 0; i < clients; i++) {
        waited[i]! += 1;
        if (!cohort.includes(i) && waited[i]! < cutoff) continue;
        omega[i] = (ended[i]! * omega[i]! + waited[i]!) / (ended[i]! + 1);
        ended[i]! += 1;
        waited[i] = 0;
      }
    },
  };
}

/** x <- x + eta_g / M * sum of omega_i D_i over the cohort, omega_i from before the round */
const fedau: Oracle = (problem, options) => {
  const [cutoff, etaG] = [options.number("cutoff", Number.POSITIVE_INFINITY), options.number("serverLearningRate", 1)];
  return weightedByIntervals(problem, cutoff, etaG).rounds;
};

/** FedAU's rounds, and omega of every client after each. */
export function weightedByIntervals(problem: Problem, cutoff: number, etaG: number) {
  const clients = problem.a.length;
  const { omega, finishRound } = intervals(clients, cutoff);
  const weights: Vector[] = [];
  const after = rounds(problem, (x, cohort) => {
    let sum = zeros(x.length);
    for (const i of cohort) sum = plus(sum, plainUpdate(problem, i, x), omega[i]!);
    finishRound(cohort);
    weights.push([...omega]);
    return plus(x, sum, etaG / clients);
  });
  return { rounds: after, weights };
}

export interface Roles {
  readonly anchors: readonly number[];
  readonly miners: readonly number[];
}

/** FedAMD's rounds with the roles of each, from the clients' gradients in `table`. */
export function anchorsAndMiners(problem: Problem, roles: readonly Roles[], table: Vector[], etaG: number): Vector[] {
  const { learningRate: eta, localSteps } = problem;
  const anchored = [...table];
  return rounds({ ...problem, cohorts: roles.map(() => []) }, (x, _cohort, round) => {
    const { anchors, miners } = roles[round]!;
    const v = mean(anchored);
    const updates = miners.map((i) => {
      let [y, before, g] = [x, x, v];
      for (let k = 0; k < localSteps; k++) {
        g = plus(minus(g, gradient(problem, i, before)), gradient(problem, i, y));
        before = y;
        y = plus(y, g, -eta);
      }
      return minus(y, x);
    });
    for (const i of anchors) anchored[i] = gradient(problem, i, x);
    return miners.length === 0 ? x : plus(x, mean(updates), etaG);
  });
}

/** All are anchors in round 1 and every T rounds; else all are miners, which is the probability p = 0. */
const fedamd: Oracle = (problem, options) => {
  if (options.number("p") !== 0) throw new Error("only p = 0 draws nothing");
  const T = options.number("T");
  const table = problem.a.map(() => zeros(problem.x0.length));
  const roles = problem.cohorts.map((cohort, index) => {
    const all = index === 0 || (index + 1) % T === 0;
    return { anchors: all ? cohort : [], miners: all ? [] : cohort };
  });
  return anchorsAndMiners(problem, roles, table, options.number("serverLearningRate", 1));
};

/** Squared movement of one tensor scaled to [0, 1]; 1 where it is the same throughout. */
function guidance(movement: Vector): Vector {
  const [least, most] = [Math.min(...movement), Math.max(...movement)];
  return movement.map((value) => (most > least ? (value - least) / (most - least) : 1));
}

/** What explorers at y_i, who started from x, say of every parameter of a tensor. */
export function explored(updates: readonly Vector[]): Vector {
  return guidance(mean(updates.map(squares)));
}

/** Round 1 explores and leaves x; later ones are those of FedAvg with gradients times G. */
const fedlex: Oracle = (problem) => {
  let G = zeros(problem.x0.length);
  return rounds(problem, (x, cohort, round) => {
    if (round > 0) return plus(x, mean(cohort.map((i) => guidedUpdate(problem, i, x, G))));
    G = explored(cohort.map((i) => plainUpdate(problem, i, x)));
    return x;
  });
};

export function guidedUpdate(problem: Problem, i: number, x: Vector, G: Vector): Vector {
  return localUpdate(problem, x, (y) => map2((g, share) => share * g, gradient(problem, i, y), G));
}

/**
 * K steps from s towards argmin_x f_i(x) - <grad f_i(x_i), x> + (rho / 2) |x - s|^2; a client without x_i leaves out the
 * term with it.
 */
function proximal(problem: Problem, i: number, own: Vector | undefined, s: Vector, rho: number): Vector {
  const dual = own === undefined ? zeros(s.length) : gradient(problem, i, own);
  const direction = (y: Vector) => plus(minus(gradient(problem, i, y), dual), minus(y, s), rho);
  return plus(s, localUpdate(problem, s, direction));
}

const rerce: Oracle = (problem, options) => {
  const rho = options.number("rho");
  const models = new Map<number, Vector>();
  if (options.flag("continual", false)) {
    if (options.number("participants") !== problem.a.length) throw new Error("only rounds of all clients draw nothing");
    return rounds(problem, (z, cohort) => {
      const sent = cohort.map((i) => {
        const before = models.get(i) ?? z;
        const model = proximal(problem, i, models.get(i), z, rho);
        models.set(i, model);
        return plus(scaled(model, 2), before, -1);
      });
      return mean(sent);
    });
  }
  let before = problem.x0;
  return rounds(problem, (z, cohort) => {
    const s = plus(scaled(z, 2), before, -1);
    for (const i of cohort) models.set(i, proximal(problem, i, models.get(i), s, rho));
    before = z;
    return mean(cohort.map((i) => models.get(i)!));
  });
};

export const participation = { fedau, fedamd, fedlex, rerce };
