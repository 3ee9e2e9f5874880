/**
 * Clients that train and send part of a network. autoflip: C. Interno et al., 2024, arXiv:2405.10271. hidenseek: A. K.
 * Vallapuram et al., 2022, arXiv:2206.04385, for one matrix of weights, whose flow is its size.
 */
import { plus, scaled, type Vector } from "./plain.ts";
import { gradient, type Oracle, plainUpdate } from "./problem.ts";

/** The value below which a share of the values lies, between two of them in proportion. */
function quantile(values: Vector, share: number): number {
  const ascending = [...values].sort((a, b) => a - b);
  const place = share * (values.length - 1);
  const below = Math.floor(place);
  const above = ascending[below + 1] ?? ascending[below]!;
  return ascending[below]! * (below + 1 - place) + above * (place - below);
}

/** The first cohort explores; its mask then acts on every gradient and on the model. */
const autoflip: Oracle = (problem, options) => {
  const { x0, shape, cohorts, learningRate, localSteps } = problem;
  const [share, beta] = [options.number("pruned", 0.3), options.number("serverMomentum", 0.9)];
  const dropShare = options.number("dropShare", 0.9);
  if (shape !== undefined && dropShare < 1) throw new Error("units of a matrix alone are outputs and stay");
  let mask = x0.map(() => 1);
  let x = x0;
  let v = scaled(x0, 0);
  return cohorts.map((cohort, round) => {
    if (round === 0 && share > 0) {
      let moved = scaled(x0, 0);
      for (const i of cohort)
        moved = plus(
          moved,
          plainUpdate(problem, i, x).map((d) => d * d),
          1 / cohort.length,
        );
      const [least, most] = [Math.min(...moved), Math.max(...moved)];
      const guidance = moved.map((m) => (m - least) / (most - least));
      const threshold = quantile(guidance, share);
      mask = guidance.map((g) => (g > threshold ? 1 : 0));
      x = x.map((value, j) => value * mask[j]!);
      return x;
    }
    let mean = scaled(x0, 0);
    for (const i of cohort) {
      let y = x;
      for (let k = 0; k < localSteps; k++)
        y = plus(
          y,
          gradient(problem, i, y).map((g, j) => g * mask[j]!),
          -learningRate,
        );
      mean = plus(mean, plus(y, x, -1), 1 / cohort.length);
    }
    v = plus(scaled(v, beta), mean, 1 - beta);
    x = plus(x, v).map((value, j) => value * mask[j]!);
    return x;
  });
};

/** The largest weights keep their size; their signs follow scores, and the server's those of most clients. */
const hidenseek: Oracle = (problem, options) => {
  const { x0, shape, cohorts, learningRate, localSteps } = problem;
  const [keep, scale] = [options.number("keep", 0.5), options.number("scoreScale", 0.1)];
  const keepsOwn = options.text("restart", "vote") === "own";
  const drawn = x0.map((value) => value || Math.sqrt(2 / shape![0]!));
  const before = (i: number, j: number) =>
    Math.abs(drawn[j]!) > Math.abs(drawn[i]!) || (Math.abs(drawn[j]!) === Math.abs(drawn[i]!) && j < i);
  const isKept = (i: number) => drawn.filter((_, j) => before(i, j)).length < Math.floor(keep * drawn.length);
  const sizes = drawn.map((value, i) => (isKept(i) ? Math.abs(value) : 0));
  let x = drawn.map((value, i) => (value < 0 ? -sizes[i]! : sizes[i]!));
  const own = new Map<number, Vector>();
  const signed = (s: Vector) => s.map((value, j) => (value < 0 ? -sizes[j]! : sizes[j]!));
  return cohorts.map((cohort) => {
    let vote = scaled(x0, 0);
    for (const i of cohort) {
      let s = (keepsOwn ? own.get(i) : undefined) ?? scaled(x, scale);
      for (let k = 0; k < localSteps; k++)
        s = plus(
          s,
          gradient(problem, i, signed(s)).map((g, j) => g * sizes[j]!),
          -learningRate,
        );
      own.set(i, s);
      vote = plus(
        vote,
        s.map((value) => (value < 0 ? -1 : 1)),
        1 / cohort.length,
      );
    }
    x = signed(vote);
    return x;
  });
};

export const masks = { autoflip, hidenseek };
