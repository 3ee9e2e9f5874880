/**
 * Clients with an optimizer of their own, whose preconditioner and last global direction the server may share.
 *
 * local, fedadamw: J. Liu et al., AAAI 2026, arXiv:2510.27486; adam-mini: Y. Zhang et al., ICLR 2025, arXiv:2406.16793.
 * fedmuon: J. Liu et al., 2025, arXiv:2510.27403. fedpac: J. Liu et al., 2026, arXiv:2602.19271; its light uploads are
 * Anabranch's own. diloco: A. Douillard et al., 2023, arXiv:2311.08105, Algorithm 1.
 */
import { adamw, muon, namedRule, type Optimizer, type Rule, type WarmStart } from "./optimizers.ts";
import { asMatrix, composed, eigen, mean, minus, plus, scaled, truncated, type Vector, zeros } from "./plain.ts";
import { gradient, type Options, type Oracle, type Problem, rounds } from "./problem.ts";

/** How the steps of a round start and what they follow. */
interface Template {
  readonly rule: Rule;
  /** y <- y - eta (keep u + share G) */
  readonly keep: number;
  readonly share: number;
  /** What arrives of an uploaded part of Theta; undefined: nothing is shared, and every client starts anew. */
  readonly arrives?: ((part: Vector) => Vector) | undefined;
}

/** K times y <- y - eta direction(optimizer's u) from x; returns y - x. */
function optimizedUpdate(
  problem: Problem,
  client: number,
  x: Vector,
  optimizer: Optimizer,
  mixed: (u: Vector) => Vector,
) {
  let y = x;
  for (let k = 0; k < problem.localSteps; k++) {
    const u = optimizer.direction(gradient(problem, client, y), y);
    y = plus(y, mixed(u), -problem.learningRate);
  }
  return minus(y, x);
}

/** Theta <- mean of Theta_i, G <- -Dbar / (K eta), x <- x + Dbar */
function shared(problem: Problem, { rule, keep, share, arrives }: Template): Vector[] {
  const { localSteps: K, learningRate: eta } = problem;
  let G = zeros(problem.x0.length);
  let start: WarmStart | undefined;
  return rounds(problem, (x, cohort) => {
    const optimizers = cohort.map((i) => rule(problem, i, start));
    const updates = cohort.map((i, place) =>
      optimizedUpdate(problem, i, x, optimizers[place]!, (u) => plus(scaled(u, keep), G, share)),
    );
    if (arrives !== undefined) {
      const parts = optimizers.map((optimizer) => optimizer.theta().map(arrives));
      const theta = parts[0]!.map((_, part) => mean(parts.map((own) => own[part]!)));
      start = { theta, steps: (start?.steps ?? 0) + K };
    }
    G = scaled(mean(updates), -1 / (K * eta));
    return plus(x, mean(updates));
  });
}

const local: Oracle = (problem, options) => shared(problem, { rule: namedRule(options), keep: 1, share: 0 });

/** Every coordinate becomes the mean of its block. */
function blockMeans(values: Vector, blocks: readonly (readonly number[])[]): Vector {
  const result = zeros(values.length);
  for (const block of blocks) {
    const average = block.reduce((sum, j) => sum + values[j]!, 0) / block.length;
    for (const j of block) result[j] = average;
  }
  return result;
}

/** Blocks of a matrix [inputs, outputs] that is neither attention nor embedding; of a vector that is no bias: all of it. */
function blocksOf({ x0, shape }: Problem, strategy: string): number[][] {
  const all = x0.map((_, j) => j);
  if (strategy === "coordinate") return all.map((j) => [j]);
  if (strategy !== "adam-mini" || shape === undefined) return [all];
  const outputs = shape[1]!;
  return Array.from({ length: outputs }, (_, output) => all.filter((j) => j % outputs === output));
}

const fedadamw: Oracle = (problem, options) => {
  const alpha = options.number("alpha");
  const blocks = blocksOf(problem, options.text("blocks", "paper"));
  return shared(problem, {
    rule: adamw(options.number("b1"), options.number("b2"), options.number("eps")),
    keep: options.text("mix", "additive") === "convex" ? 1 - alpha : 1,
    share: alpha,
    arrives: (v) => blockMeans(v, blocks),
  });
};

/** The first q = max(1, floor(rho m n / (m + n + 1))) triples, or the whole matrix where those are no fewer numbers. */
function leading(values: Vector, columns: number, rho: number): Vector {
  const rows = values.length / columns;
  const q = Math.max(1, Math.floor((rho * rows * columns) / (rows + columns + 1)));
  return q * (rows + columns + 1) >= rows * columns ? values : truncated(asMatrix(values, columns), q).flat();
}

const fedmuon: Oracle = (problem, options) => {
  const alpha = options.number("alpha");
  const svd = options.text("upload", "whole") === "truncated-svd";
  const rho = svd ? options.number("rho") : 0;
  return shared(problem, {
    rule: muon(options.number("mu"), options.number("c")),
    keep: 1 - alpha,
    share: alpha,
    arrives: (m) => (svd ? leading(m, problem.shape![1]!, rho) : m),
  });
};

/** The first q = ceil(rho n) eigenpairs of a symmetric matrix, and the mean of the other eigenvalues. */
function lowRank(values: Vector, rho: number): Vector {
  const n = Math.sqrt(values.length);
  const q = Math.ceil(rho * n);
  const spectrum = eigen(asMatrix(values, n));
  const rest = spectrum.values.slice(q).reduce((sum, value) => sum + value, 0) / (n - q);
  return composed(
    spectrum.vectors,
    spectrum.values.map((value, i) => (i < q ? value : rest)),
  ).flat();
}

/** What arrives of a part of Theta for the optimizers of FedPAC. */
function lightUpload(problem: Problem, options: Options): (part: Vector) => Vector {
  const optimizer = options.text("optimizer", "");
  if (optimizer === "muon" || optimizer === "soap" || optimizer === "shampoo") {
    const rho = options.number("light", 1);
    if (rho === 1) return (part) => part;
    return (part) => (optimizer === "muon" ? leading(part, problem.shape![1]!, rho) : lowRank(part, rho));
  }
  return options.flag("light", false) ? (part) => blockMeans(part, blocksOf(problem, "tensor")) : (part) => part;
}

const fedpac: Oracle = (problem, options) => {
  const beta = options.number("beta");
  const arrives = options.flag("alignment", true) ? lightUpload(problem, options) : undefined;
  return shared(problem, { rule: namedRule(options), keep: 1 - beta, share: beta, arrives });
};

/** u <- mu u + Dbar; X <- X + eta_o (Dbar + mu u); clients keep their optimizers. */
const diloco: Oracle = (problem, options) => {
  const [mu, etaO] = [options.number("mu"), options.number("serverLearningRate")];
  const rule = namedRule(options);
  const optimizers = problem.a.map((_, i) => rule(problem, i, undefined));
  let momentum = zeros(problem.x0.length);
  return rounds(problem, (x, cohort) => {
    const updates = cohort.map((i) => optimizedUpdate(problem, i, x, optimizers[i]!, (u) => u));
    momentum = plus(mean(updates), momentum, mu);
    return plus(x, plus(mean(updates), momentum, mu), etaO);
  });
};

export const preconditioned = { local, fedadamw, fedmuon, fedpac, diloco };
