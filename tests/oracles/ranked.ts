/**
 * Methods and rules that go by ranks. frl: H. Mozaffari et al., USENIX Security 2023, arXiv:2110.04350, sections 4.1 to 4.3,
 * for one matrix of weights [inputs, outputs], with first scores that are evenly spaced up to 1 / sqrt(inputs).
 */
import { plus, scaled, type Vector } from "./plain.ts";
import { gradient, type Options, type Oracle, type Problem } from "./problem.ts";

/** How many values are less, or equal with a lower index. */
export function rankOf(values: Vector, i: number): number {
  return values.filter((value, j) => value < values[i]! || (value === values[i]! && j < i)).length;
}

const placesOf = (values: Vector) => values.map((_, i) => rankOf(values, i));

const frl: Oracle = (problem: Problem, options: Options) => {
  const { x0, shape, cohorts, learningRate, localSteps } = problem;
  const keep = options.number("keep", 0.5);
  const n = x0.length;
  const inputs = shape![0]!;
  const dropped = n - keep * n;
  const w = x0.map((x) => (x < 0 ? -1 : 1) * Math.sqrt(2 / inputs));
  const scoresAt = (places: Vector) => places.map((place) => (place + 1) / (n * Math.sqrt(inputs)));
  const masked = (scores: Vector) => placesOf(scores).map((place, j) => (place < dropped ? 0 : w[j]!));
  let scores = scoresAt(placesOf(x0.map(Math.abs)));
  return cohorts.map((cohort) => {
    let votes = scaled(x0, 0);
    for (const i of cohort) {
      let s = scores;
      for (let k = 0; k < localSteps; k++)
        s = plus(
          s,
          gradient(problem, i, masked(s)).map((g, j) => g * w[j]!),
          -learningRate,
        );
      votes = plus(votes, placesOf(s));
    }
    scores = scoresAt(placesOf(votes));
    return masked(scores);
  });
};

export const ranked = { frl };
