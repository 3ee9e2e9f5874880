/**
 * Differences of gradients: T. Murata, T. Suzuki, ICML 2023, arXiv:2302.03884, for whole clients and without noise.
 * diff2-bvr-l-sgd releases in odd rounds and moves in even ones; its clip of local steps is Anabranch's own.
 */
import { mean, minus, norm, plus, scaled, type Vector, zeros } from "./plain.ts";
import { clipped, gradient, type Oracle, type Problem, rounds } from "./problem.ts";

/**
 * v of the paper, release by release: the mean clipped gradient at x in every T-th, else v plus the mean clipped change of
 * gradients since the x of the release before.
 */
function releases(problem: Problem, T: number, C2: number): (x: Vector, cohort: readonly number[]) => Vector {
  let [v, previous] = [zeros(problem.x0.length), problem.x0];
  let released = 0;
  return (x, cohort) => {
    const changes = cohort.map((i) => {
      const g = gradient(problem, i, x);
      if (released % T === 0) return clipped(g, problem.privacy!.clipNorm);
      return clipped(minus(g, gradient(problem, i, previous)), C2 * norm(minus(x, previous)));
    });
    v = released % T === 0 ? mean(changes) : plus(v, mean(changes));
    previous = x;
    released++;
    return v;
  };
}

const diff2: Oracle = (problem, options) => {
  const eta = options.number("serverLearningRate");
  const release = releases(problem, options.number("T"), options.number("C2"));
  return rounds(problem, (x, cohort) => plus(x, release(x, cohort), -eta));
};

const diff2BvrLSgd: Oracle = (problem, options) => {
  const { learningRate: eta, localSteps: K } = problem;
  const C2 = options.number("C2");
  const release = releases(problem, options.number("T"), C2);
  let v = zeros(problem.x0.length);
  return rounds(problem, (x, cohort, round) => {
    if (round % 2 === 0) {
      v = release(x, cohort);
      return x;
    }
    const steps = Array.from({ length: K }, (_, k) => k);
    const bound = norm(v) * (steps.reduce((sum, k) => sum + (1 + C2 * eta) ** k, 0) / K - 1);
    const departures = cohort.map((i) => {
      let [y, w] = [x, v];
      const directions = steps.map(() => {
        const direction = w;
        const next = plus(y, w, -eta);
        w = plus(w, minus(gradient(problem, i, next), gradient(problem, i, y)));
        y = next;
        return direction;
      });
      return clipped(minus(mean(directions), v), bound);
    });
    return plus(x, scaled(plus(v, mean(departures)), -eta * K));
  });
};

export const differences = { diff2, "diff2-bvr-l-sgd": diff2BvrLSgd };
