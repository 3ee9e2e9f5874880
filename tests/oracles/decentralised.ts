/**
 * Methods without a server, node by node.
 *
 * bristle: see esteem.ts. dfedavg: T. Sun et al., TPAMI 2022, arXiv:2104.11375. dfedsam: Y. Shi et al., ICML 2023, arXiv:2302.04083. scclip: L. He et
 * al., 2022, arXiv:2202.01545. vcgossip: Y. Tian et al., 2024, arXiv:2404.04616. single-merging: T. Zhu et al., ICLR 2026,
 * arXiv:2507.06542. monna: S. Farhadkhani et al., ICML 2023, arXiv:2209.10931. Weights: L. Xiao, S. Boyd, 2004.
 *
 * A trace has no topology: there a method is the mean over the cohort of what its nodes train.
 */
import { asMatrix, type Matrix, mean, minus, norm, plus, product, scaled, type Vector, zeros } from "./plain.ts";
import {
  clipped,
  gradient,
  localUpdate,
  type Oracle,
  type Problem,
  perturbed,
  plainUpdate,
  rounds,
} from "./problem.ts";

const averaged =
  (update: (problem: Problem, i: number, x: Vector) => Vector): Oracle =>
  (problem) =>
    rounds(problem, (x, cohort) => plus(x, mean(cohort.map((i) => update(problem, i, x)))));

const dfedsam: Oracle = (problem, options) => {
  const rho = options.number("rho");
  return averaged((_, i, x) => localUpdate(problem, x, (y) => sharp(problem, i, y, rho)))(problem, options);
};

/** m_i <- beta m_i + (1 - beta) g; y <- y - eta m_i */
const monnaTrace: Oracle = (problem, options) => {
  const beta = options.number("beta");
  const m = problem.a.map(() => zeros(problem.x0.length));
  return rounds(problem, (x, cohort) => {
    const updates = cohort.map((i) =>
      localUpdate(problem, x, (y) => {
        m[i] = plus(scaled(gradient(problem, i, y), 1 - beta), m[i]!, beta);
        return m[i]!;
      }),
    );
    return plus(x, mean(updates));
  });
};

export const decentralised: Readonly<Record<string, Oracle>> = {
  dfedavg: averaged(plainUpdate),
  dfedsam,
  bristle: averaged(plainUpdate),
  scclip: averaged(plainUpdate),
  vcgossip: averaged(plainUpdate),
  "single-merging": averaged(plainUpdate),
  modest: averaged(plainUpdate),
  monna: monnaTrace,
};

function sharp(problem: Problem, i: number, y: Vector, rho: number): Vector {
  return gradient(problem, i, perturbed(y, gradient(problem, i, y), rho));
}

interface Described {
  readonly graph: {
    readonly name: string;
    readonly nodes: number;
    readonly rows?: number;
    readonly columns?: number;
    readonly fanout?: number;
    readonly edges?: readonly (readonly [number, number])[];
  };
  readonly weights?: string;
  readonly round?: number;
}

/** Whether two nodes of a named graph are joined. */
function joined(
  { name, columns = 1, rows = 1, fanout = 2, nodes, edges = [] }: Described["graph"],
  i: number,
  j: number,
) {
  const [low, high] = [Math.min(i, j), Math.max(i, j)];
  const apart = (a: number, b: number, size: number) => Math.min((a - b + size) % size, (b - a + size) % size);
  const down = apart(Math.floor(i / columns), Math.floor(j / columns), rows);
  const across = apart(i % columns, j % columns, columns);
  const rules: Readonly<Record<string, boolean>> = {
    ring: apart(i, j, nodes) === 1,
    path: high - low === 1,
    star: low === 0,
    full: true,
    torus: down + across === 1,
    tree: Math.floor((high - 1) / fanout) === low,
    edges: edges.some(([a, b]) => Math.min(a, b) === low && Math.max(a, b) === high),
  };
  return i !== j && rules[name]!;
}

export function topology({ graph, weights = "metropolis", round = 0 }: Described): object {
  const all = Array.from({ length: graph.nodes }, (_, i) => i);
  if (graph.name.includes("exponential")) {
    const hops = all.slice(1).filter((hop) => (hop & (hop - 1)) === 0);
    const heard = graph.name === "exponential" ? [0, ...hops] : [0, hops[round % hops.length]!];
    const matrix = all.map((i) =>
      all.map((j) => (heard.some((hop) => (i + hop) % all.length === j) ? 1 / heard.length : 0)),
    );
    return { matrix, lambda: second(matrix) };
  }
  const adjacent = all.map((i) => all.map((j) => joined(graph, i, j)));
  const degrees = adjacent.map((row) => row.filter(Boolean).length);
  const divisor = (i: number, j: number) => {
    if (weights === "metropolis") return Math.max(degrees[i]!, degrees[j]!);
    return weights === "max-degree" ? Math.max(...degrees) : degrees[i]!;
  };
  const matrix = all.map((i) => {
    const row = all.map((j) => (adjacent[i]![j] ? 1 / (1 + divisor(i, j)) : 0));
    row[i] = 1 - row.reduce((a, b) => a + b, 0);
    return row;
  });
  const edges = all.flatMap((i) => all.filter((j) => j > i && adjacent[i]![j]).map((j) => [i, j]));
  return { matrix, lambda: second(matrix), edges };
}

/** Second largest size of an eigenvalue: |(W - 1 1^T / n)^k|^(1/k) for k = 2^40. */
function second(matrix: Matrix): number {
  let power = matrix.map((row) => row.map((value) => value - 1 / matrix.length));
  let logarithm = 0;
  for (let k = 0; k <= 40; k++) {
    const size = norm(power.flat());
    if (size < 1e-14) return 0;
    logarithm += Math.log(size) / 2 ** k;
    power = power.map((row) => scaled(row, 1 / size));
    power = product(power, power);
  }
  return Math.exp(logarithm);
}

interface Nodes extends Omit<Problem, "x0" | "cohorts"> {
  readonly x0: readonly Vector[];
  readonly mixing: readonly Matrix[];
  readonly layers?: readonly number[];
}

interface GossipOptions {
  readonly name: string;
  readonly localMomentum?: number;
  readonly rho?: number;
  readonly gossipSteps?: number;
  readonly step?: number;
  readonly bits?: number;
  readonly radius?: number;
}

export function gossip(problem: Nodes, options: GossipOptions): object {
  const one = { ...problem, x0: problem.x0[0]!, cohorts: [] };
  let x: Matrix = problem.x0.map((start) => [...start]);
  const all: Matrix[] = [];
  for (const w of problem.mixing) {
    const y = x.map((start, i) => heavyBall(one, start, i, options));
    x = mixed(x, y, w, problem.layers, options);
    all.push(x);
  }
  const consensus = all.map((models) => {
    return Math.sqrt(models.reduce((sum, model) => sum + norm(minus(model, mean(models))) ** 2, 0) / models.length);
  });
  const merged = options.name === "single-merging" ? { merged: mean(x) } : {};
  return { rounds: all, consensus, ...merged };
}

/** y+ = y - eta g + theta (y - y before) */
function heavyBall(problem: Problem, start: Vector, i: number, { rho = 0, localMomentum = 0 }: GossipOptions): Vector {
  let [before, y] = [start, start];
  for (let k = 0; k < problem.localSteps; k++) {
    const g = rho === 0 ? gradient(problem, i, y) : sharp(problem, i, y, rho);
    const next = plus(plus(y, g, -problem.learningRate), minus(y, before), localMomentum);
    [before, y] = [y, next];
  }
  return y;
}

function mixed(x: Matrix, y: Matrix, w: Matrix, layers: readonly number[] | undefined, options: GossipOptions): Matrix {
  const { name, step = 1, bits = 1, radius = 1, gossipSteps = 1 } = options;
  if (name === "quantised-dfedavg") {
    const range = 2 ** (bits - 1);
    const coarse = (v: number) => step * Math.min(range - 1, Math.max(-range, Math.floor(v / step + 0.5)));
    const q = y.map((model, j) => minus(model, x[j]!).map(coarse));
    return product(w, q).map((change, i) => plus(x[i]!, change));
  }
  if (name === "self-centred-clipping") {
    return y.map((own, i) => {
      return y.reduce(
        (sum, other, j) => (i === j ? sum : plus(sum, clipped(minus(other, own), radius), w[i]![j]!)),
        own,
      );
    });
  }
  if (name === "variance-corrected")
    return w.map((heard) =>
      corrected(
        y.filter((_, j) => heard[j] !== 0),
        layers ?? [y[0]!.length],
      ),
    );
  return Array.from({ length: gossipSteps }).reduce((z: Matrix) => product(w, z), y);
}

const variance = (values: Vector) => {
  const middle = values.reduce((a, b) => a + b, 0) / values.length;
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length;
};

function corrected(heard: Matrix, layers: readonly number[]): Vector {
  let begin = 0;
  return layers.flatMap((length) => {
    const parts = heard.map((model) => model.slice(begin, begin + length));
    begin += length;
    const a = mean(parts);
    const kept = parts.reduce((sum, part) => sum + variance(part), 0) / parts.length;
    if (variance(a) < 1e-12) return a;
    const middle = a.reduce((p, q) => p + q, 0) / length;
    return a.map((value) => (value - middle) * Math.sqrt(kept / variance(a)) + middle);
  });
}

interface Robust extends Omit<Nodes, "mixing"> {
  readonly arrivals: readonly (readonly (readonly number[])[])[];
  readonly byzantine: readonly (readonly Matrix[])[];
}

/** One step a round: m <- beta m + (1 - beta) g; then the mean of the received ones without the f farthest. */
export function monna(
  problem: Robust,
  { f, momentum: beta }: { readonly f: number; readonly momentum: number },
): object {
  const one = { ...problem, x0: problem.x0[0]!, cohorts: [] };
  let x: Matrix = problem.x0.map((start) => [...start]);
  const m = asMatrix(zeros(x.length * one.x0.length), one.x0.length);
  const after = problem.arrivals.map((received, t) => {
    const half = x.map((model, i) => {
      m[i] = plus(scaled(gradient(one, i, model), 1 - beta), m[i]!, beta);
      return plus(model, m[i]!, -problem.learningRate);
    });
    x = half.map((own, i) => {
      const hand = received[i]!.map((j) => half[j] ?? problem.byzantine[t]![i]![j - half.length]!);
      const near = hand.map((model) => ({ model, far: norm(minus(model, own)) })).sort((p, q) => p.far - q.far);
      return mean(near.slice(0, hand.length - f).map(({ model }) => model));
    });
    return x;
  });
  return { rounds: after };
}
