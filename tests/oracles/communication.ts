/**
 * Less on the wire.
 *
 * streaming-diloco: A. Douillard et al., 2025, arXiv:2501.18512, Algorithm 2. sketching: Z. Song et al., ICML 2023,
 * arXiv:2210.08371, Algorithm 1. flasc: K. Kuo et al., 2024, arXiv:2406.05233, Algorithm 1.
 */
import { below, keyOf, wordsOf } from "./draws.ts";
import { namedRule } from "./optimizers.ts";
import { map2, mean, minus, mix, plus, squares, type Vector, zeros } from "./plain.ts";
import { clipped, gradient, localUpdate, type Oracle, plainUpdate, rounds } from "./problem.ts";

/** Fragment p takes coordinates p, p + P, ...; it goes up at the end of rounds t_p + n H and is back tau rounds later. */
const streamingDiloco: Oracle = (problem, options) => {
  const { a, x0, learningRate, localSteps, blocks } = problem;
  const [P, H] = [options.number("fragments"), options.number("period")];
  const [tau, alpha] = [options.number("delay"), options.number("mixing")];
  const [mu, etaO] = [options.number("serverMomentum"), options.number("serverLearningRate")];
  const rule = namedRule(options);
  const optimizers = a.map((_, i) => rule(problem, i, undefined));
  const own: Vector[] = a.map(() => [...x0]);
  const isSent = (p: number, round: number) => round > 0 && (round - Math.floor((p * H) / P) + H) % H === 0;
  const fragmentOf = (j: number) => (blocks === undefined ? 0 : j % P);
  const [u, sent] = [zeros(x0.length), zeros(x0.length)];
  return rounds(problem, (X, cohort, index) => {
    const round = index + 1;
    for (const i of cohort) {
      for (let k = 0; k < localSteps; k++) {
        const g = gradient(problem, i, own[i]!);
        own[i] = plus(own[i]!, optimizers[i]!.direction(g, own[i]!), -learningRate);
      }
    }
    const next = [...X];
    for (const j of x0.keys()) {
      const p = fragmentOf(j);
      if (isSent(p, round)) sent[j] = mean(cohort.map((i) => [own[i]![j]! - X[j]!]))[0]!;
      if (!isSent(p, round - tau)) continue;
      u[j] = mu * u[j]! + sent[j]!;
      next[j]! += etaO * (sent[j]! + mu * u[j]!);
      for (const y of own) y[j] = alpha * y[j]! + (1 - alpha) * next[j]!;
    }
    return next;
  });
};

/** R' R v of a count sketch or a subsampled Hadamard transform of b numbers that the words draw. */
function sketchedAndBack(v: Vector, family: string, b: number, word: () => number): Vector {
  const d = v.length;
  const sign = () => (below(word, 2) === 0 ? 1 : -1);
  if (family === "count-sketch") {
    const buckets = v.map(() => below(word, b));
    const signs = v.map(sign);
    const bucketOf = (bucket: number) =>
      v.reduce((sum, vj, j) => sum + (buckets[j] === bucket ? signs[j]! * vj : 0), 0);
    return v.map((_, j) => signs[j]! * bucketOf(buckets[j]!));
  }
  // rows of the Hadamard matrix: H[r][j] = (-1)^(ones that r and j share)
  const rows = Array.from({ length: b }, () => below(word, 2 ** Math.ceil(Math.log2(d))));
  const signs = v.map(sign);
  const shared = (r: number, j: number) => [...(r & j).toString(2)].filter((bit) => bit === "1").length;
  const matrix = rows.map((r) => signs.map((s, j) => ((-1) ** shared(r, j) * s) / Math.sqrt(b)));
  const sketch = matrix.map((row) => row.reduce((sum, value, j) => sum + value * v[j]!, 0));
  return v.map((_, j) => matrix.reduce((sum, row, r) => sum + row[j]! * sketch[r]!, 0));
}

/** y <- y - eta clip(g, C), then x <- x + eta_g mean R' R (y - x) with one table of the round. */
const sketching: Oracle = (problem, options) => {
  const [etaG, C] = [options.number("serverLearningRate"), options.number("clipNorm", 0)];
  const [family, size] = [options.text("family", "count-sketch"), options.number("size")];
  return rounds(problem, (x, cohort, round) => {
    const direction = (i: number) => (y: Vector) => {
      const g = gradient(problem, i, y);
      return C === 0 ? g : clipped(g, C);
    };
    const arrived = cohort.map((i) => {
      const update = localUpdate(problem, x, direction(i));
      const word = wordsOf(keyOf(0, "compression", round + 1, "model"));
      return sketchedAndBack(update, family, Math.floor(size * x.length), word);
    });
    return plus(x, mean(arrived), etaG);
  });
};

/** The share of largest entries, zeros elsewhere. */
function largest(v: Vector, density: number): Vector {
  const order = v.map((_, j) => j).sort((i, j) => Math.abs(v[j]!) - Math.abs(v[i]!));
  const kept = order.slice(0, Math.floor(density * v.length));
  return v.map((vj, j) => (kept.includes(j) ? vj : 0));
}

/** P_m = TopK(P); D_i = TopK(y - P_m); the server takes plain steps, or those of AdamW. */
const flasc: Oracle = (problem, options) => {
  const [down, up] = [options.number("downDensity"), options.number("upDensity")];
  const etaS = options.number("serverLearningRate");
  const isAdam = options.text("serverOptimizer", "adamw") === "adamw";
  const [b1, b2] = isAdam ? [options.number("serverBeta1"), options.number("serverBeta2")] : [0, 0];
  const [eps, wd] = isAdam ? [options.number("serverEpsilon"), options.number("serverWeightDecay", 0)] : [0, 0];
  let [m, v] = [zeros(problem.x0.length), zeros(problem.x0.length)];
  return rounds(problem, (P, cohort, round) => {
    const masked = largest(P, down);
    const D = mean(cohort.map((i) => largest(plainUpdate(problem, i, masked), up)));
    if (!isAdam) return plus(P, D, etaS);
    m = mix(b1, m, D);
    v = mix(b2, v, squares(D));
    const t = round + 1;
    const step = map2((mj, vj) => mj / (1 - b1 ** t) / (Math.sqrt(vj / (1 - b2 ** t)) + eps), m, v);
    return plus(
      minus(
        P,
        P.map((Pj) => etaS * wd * Pj),
      ),
      step,
      etaS,
    );
  });
};

export const communication = { "streaming-diloco": streamingDiloco, sketching, flasc };
