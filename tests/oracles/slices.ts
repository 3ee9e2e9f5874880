/**
 * Clients with models of their own widths. heterofl: E. Diao et al., ICLR 2021, arXiv:2010.01264, Algorithm 1. fedrolex:
 * S. Alam et al., NeurIPS 2022, arXiv:2212.01548, Algorithm 1. The units are the rows of x, or its coordinates.
 */
import { masks } from "./masks.ts";
import { plus, type Vector } from "./plain.ts";
import { gradient, type Options, type Oracle, type Problem } from "./problem.ts";

/** Coordinates that have a sum of their own are averaged over those who trained them. */
function sliced(problem: Problem, options: Options, rolls: boolean): Vector[] {
  const { x0, shape = [x0.length], cohorts, learningRate, localSteps } = problem;
  const [widths, etaG] = [options.numbers("widths"), options.number("serverLearningRate", 1)];
  const units = shape[0]!;
  const inRow = x0.length / units;
  let x = x0;
  return cohorts.map((cohort, round) => {
    const has = (i: number, j: number) => {
      const ratio = widths[i % widths.length]!;
      const first = rolls && ratio < 1 ? round % units : 0;
      const behind = (Math.floor(j / inRow) - first + units) % units;
      return behind < Math.ceil(ratio * units - 1e-12);
    };
    const trained = cohort.map((i) => {
      let y = x;
      for (let k = 0; k < localSteps; k++) {
        const g = gradient(problem, i, y).map((value, j) => (has(i, j) ? value : 0));
        y = plus(y, g, -learningRate);
      }
      return y;
    });
    x = x.map((before, j) => {
      const owners = trained.filter((_, k) => has(cohort[k]!, j));
      if (owners.length === 0) return before;
      let sum = 0;
      for (const y of owners) sum += y[j]! - before;
      return before + (etaG * sum) / owners.length;
    });
    return x;
  });
}

const heterofl: Oracle = (problem, options) => sliced(problem, options, false);
const fedrolex: Oracle = (problem, options) => sliced(problem, options, true);

export const slices = { heterofl, fedrolex, ...masks };
