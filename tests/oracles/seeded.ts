/**
 * Clients that send numbers along directions that everyone draws.
 *
 * fedkseed: Z. Qin et al., ICML 2024, arXiv:2312.06353. onebyte: E. Zelikman et al., 2023, arXiv:2306.10015. ferret:
 * Y. Shu et al., ICML 2025, arXiv:2409.06277, with directions of the same budget for every block.
 */
import { below, direction, fraction, keyOf, wordsOf } from "./draws.ts";
import { map2, plus, scaled, type Vector, zeros } from "./plain.ts";
import { type Options, type Oracle, type Problem, plainUpdate, rounds } from "./problem.ts";

function loss({ a, b }: Problem, client: number, y: Vector): number {
  return y.reduce((sum, yj, j) => sum + 0.5 * a[client]![j]! * (yj - b[client]![j]!) ** 2, 0);
}

/** (F_i(y + eps z) - F_i(y - eps z)) / (2 eps) */
function slope(problem: Problem, client: number, y: Vector, z: Vector, eps: number): number {
  return (loss(problem, client, plus(y, z, eps)) - loss(problem, client, plus(y, z, -eps))) / (2 * eps);
}

const sum = (values: Vector): number => values.reduce((total, value) => total + value, 0);
const dot = (a: Vector, b: Vector): number => sum(map2((x, y) => x * y, a, b));
const drawn = (options: Options, family: string) =>
  [options.text("directions", family), options.number("directionSeed", 1)] as const;

/** A_j of mean min(|g|, 1000) over 0 and all slopes of j, in a softmax of their range. */
function probabilities(seen: readonly Vector[]): Vector {
  const means = seen.map((values) => sum(values) / values.length);
  const [least, most] = [Math.min(...means), Math.max(...means)];
  const weights = means.map((value) => (most > least ? Math.exp((value - least) / (most - least)) : 1));
  return scaled(weights, 1 / sum(weights));
}

/** The first number whose running sum of probabilities is above a fraction. */
function picked(chances: Vector, at: number): number {
  let total = 0;
  for (const [j, chance] of chances.entries()) {
    total += chance;
    if (at < total) return j;
  }
  return chances.length - 1;
}

/** Clients walk along directions of a pool; the server walks along all by their coefficients, from the start. */
const fedkseed: Oracle = (problem, options) => {
  const { x0, learningRate, localSteps } = problem;
  const [K, eps] = [options.number("seeds"), options.number("perturbation")];
  const [family, seed] = drawn(options, "rademacher");
  const pro = options.flag("pro", false);
  const pool = Array.from({ length: K }, (_, j) => direction(family, seed, [j], x0.length));
  const seen = pool.map(() => [0]);
  let coefficients = zeros(K);
  return rounds(problem, (x, cohort, round) => {
    const chances = probabilities(seen);
    for (const i of cohort) {
      const word = wordsOf(keyOf(0, "draws", round + 1, i, "direction", "pick"));
      let w = x;
      for (let step = 0; step < localSteps; step++) {
        const j = pro ? picked(chances, fraction(word)) : below(word, K);
        const g = slope(problem, i, w, pool[j]!, eps);
        w = plus(w, pool[j]!, -learningRate * g);
        seen[j]!.push(Math.min(Math.abs(g), 1000));
        coefficients = coefficients.map((value, k) => (k === j ? value + (learningRate * g) / cohort.length : value));
      }
    }
    return coefficients.reduce((w, value, j) => plus(w, pool[j]!, -value), x0);
  });
};

/** The number among +-exp((level - 64) / 8), level 1 to 127, and 0 that is nearest by logarithm. */
function asByte(value: number): number {
  const level = Math.min(127, Math.round(8 * Math.log(Math.abs(value))) + 64);
  return level < 1 ? 0 : Math.sign(value) * Math.exp((level - 64) / 8);
}

const onebyte: Oracle = (problem, options) => {
  const { x0, learningRate, localSteps } = problem;
  const eps = options.number("perturbation");
  const [family, seed] = drawn(options, "rademacher");
  const bytes = options.flag("quantize", true);
  const byRoot = options.text("normalization", "mean") === "sqrt";
  return rounds(problem, (x, cohort, round) => {
    const n = cohort.length * localSteps;
    let next = x;
    for (const i of cohort) {
      for (let j = 0; j < localSteps; j++) {
        const z = direction(family, seed, [round, i, j], x0.length);
        const g = slope(problem, i, x, z, eps);
        next = plus(next, z, (-learningRate * (bytes ? asByte(g) : g)) / (byRoot ? Math.sqrt(n) : n));
      }
    }
    return next;
  });
};

/** Every block is one of K directions alike: either the only one, or the least budget, 2, is all that there are. */
const ferret: Oracle = (problem, options) => {
  const { x0, blocks } = problem;
  const [K, etaS] = [options.number("coordinates"), options.number("serverLearningRate")];
  const [family, seed] = drawn(options, "uniform");
  const isCode = options.text("variant", "unbiased") === "code";
  const parts = blocks === undefined ? [x0.map((_, j) => j)] : x0.map((_, j) => [j]);
  if (parts.length > 1 && K !== 2) throw new Error("clients draw which directions they take");
  return rounds(problem, (x, cohort, round) => {
    const next = [...x];
    for (const [l, part] of parts.entries()) {
      const d = part.length;
      const rho = family === "rademacher" || isCode ? 1 / d : (1 - 2 ** -32) / (3 * d);
      for (let k = 0; k < K; k++) {
        const v = scaled(direction(family, seed, [round, l, k], d), 1 / Math.sqrt(d));
        for (const i of cohort) {
          const update = plainUpdate(problem, i, x);
          const along = part.map((j) => update[j]!);
          for (const [place, j] of part.entries())
            next[j]! += (etaS * dot(along, v) * v[place]!) / (rho * K * cohort.length);
        }
      }
    }
    return next;
  });
};

export const seeded = { fedkseed, onebyte, ferret };
