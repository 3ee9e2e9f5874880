/**
 * Optimizers of local steps, for one tensor.
 *
 * adam: D. P. Kingma, J. Ba, ICLR 2015, arXiv:1412.6980. adamw: I. Loshchilov, F. Hutter, ICLR 2019, arXiv:1711.05101.
 * muon: K. Jordan et al., 2024. sophia: H. Liu et al., ICLR 2024, arXiv:2305.14342, with Hutchinson's estimate, which is exact on quadratics. soap: N. Vyas et al., ICLR 2025,
 * arXiv:2409.11321, with the first call of its code, which changes no parameter. shampoo: V. Gupta et al., ICML 2018,
 * arXiv:1802.09568.
 */
import {
  asMatrix,
  eigen,
  identity,
  type Matrix,
  map2,
  mix,
  newtonSchulz,
  orthonormal,
  plus,
  power,
  product,
  scaled,
  squares,
  transposed,
  type Vector,
  zeros,
} from "./plain.ts";
import type { Options, Problem } from "./problem.ts";

/** An optimizer with its state: of one client, mostly for one round. */
export interface Optimizer {
  /** u of y <- y - eta u, from the gradient at y. */
  direction(g: Vector, y: Vector): Vector;
  /** The preconditioner Theta, one vector for each of its parts. */
  theta(): Vector[];
}

/** What a client's optimizer starts from: Theta and the number of steps that went into it. */
export interface WarmStart {
  readonly theta: readonly Vector[];
  readonly steps: number;
}

/** An optimizer for the tensor of a problem. */
export type Rule = (problem: Problem, client: number, start: WarmStart | undefined) => Optimizer;

const decayed = (u: Vector, y: Vector, { weightDecay = 0 }: Problem): Vector => plus(u, y, weightDecay);

const sgd = (): Rule => (problem) => ({ direction: (g, y) => decayed(g, y, problem), theta: () => [] });

/** The first moment is corrected by the steps since the start, the second one by all that went into it. */
export function adamw(b1: number, b2: number, eps: number): Rule {
  return (problem, _client, start) => {
    let [m, v] = [zeros(problem.x0.length), start?.theta[0] ?? zeros(problem.x0.length)];
    let [k, t] = [0, start?.steps ?? 0];
    return {
      direction(g, y) {
        k++;
        t++;
        m = mix(b1, m, g);
        v = mix(b2, v, squares(g));
        const u = map2((mj, vj) => mj / (1 - b1 ** k) / (Math.sqrt(vj / (1 - b2 ** t)) + eps), m, v);
        return decayed(u, y, problem);
      },
      theta: () => [v],
    };
  };
}

/** The decay is part of the gradient. */
function coupledAdam(b1: number, b2: number, eps: number): Rule {
  return (problem, client, start) => {
    const plain = adamw(b1, b2, eps)({ ...problem, weightDecay: 0 }, client, start);
    return { ...plain, direction: (g, y) => plain.direction(decayed(g, y, problem), y) };
  };
}

/** M <- mu M + (1 - mu) G; u = c (scale NS5((1 - mu) G + mu M) + wd y) */
export function muon(mu: number, rate: number): Rule {
  return (problem, _client, start) => {
    const shape = problem.shape!;
    const kernel = shape.length === 4;
    const columns = kernel ? problem.x0.length / shape[0]! : shape[1]!;
    const scale = kernel ? 1 : Math.sqrt(Math.max(1, shape[1]! / shape[0]!)); // outputs / inputs
    let m = start?.theta[0] ?? zeros(problem.x0.length);
    return {
      direction(g, y) {
        m = mix(mu, m, g);
        const orthogonal = newtonSchulz(asMatrix(mix(mu, m, g), columns)).flat();
        return scaled(decayed(scaled(orthogonal, scale), y, problem), rate);
      },
      theta: () => [m],
    };
  };
}

/** In steps 1, 1 + every, ...: h <- b2 h + (1 - b2) diag H; u = clip(m / max(gamma h, eps), 1) + wd y */
function sophia(b1: number, b2: number, gamma: number, eps: number, every: number): Rule {
  return (problem, client, start) => {
    let [m, h] = [zeros(problem.x0.length), start?.theta[0] ?? zeros(problem.x0.length)];
    let k = 0;
    return {
      direction(g, y) {
        m = mix(b1, m, g);
        if (k++ % every === 0) h = mix(b2, h, problem.a[client]!);
        const u = map2((mj, hj) => Math.max(-1, Math.min(1, mj / Math.max(gamma * hj, eps))), m, h);
        return decayed(u, y, problem);
      },
      theta: () => [h],
    };
  };
}

interface Adam {
  readonly b1: number;
  readonly b2: number;
  readonly eps: number;
}

/** Adam in the eigenbases QL, QR of the running means of G G' and G' G; decay after the step. */
function soap({ b1, b2, eps }: Adam, gramDecay: number, every: number): Rule {
  return (problem, _client, start) => {
    const { learningRate: eta, weightDecay = 0 } = problem;
    const [rows, columns] = problem.shape!;
    let left = gramOf(start?.theta[0], rows!);
    let right = gramOf(start?.theta[1], columns!);
    let [ql, qr] = [identity(rows!), identity(columns!)];
    let [m, v] = [zeros(problem.x0.length), zeros(problem.x0.length)];
    let calls = 0;
    const into = (x: Vector) => product(product(transposed(ql), asMatrix(x, columns!)), qr).flat();
    const back = (x: Vector) => product(product(ql, asMatrix(x, columns!)), transposed(qr)).flat();
    return {
      direction(g, y) {
        const t = calls++;
        const G = asMatrix(g, columns!);
        let u = zeros(y.length);
        if (t > 0) {
          m = mix(b1, m, g);
          v = mix(b2, v, squares(into(g)));
          const adam = map2((mj, vj) => mj / (Math.sqrt(vj) + eps), into(m), v);
          const step = scaled(back(adam), Math.sqrt(1 - b2 ** t) / (1 - b1 ** t));
          u = plus(step, plus(y, step, -eta), weightDecay);
        }
        left = asMatrix(mix(gramDecay, left.flat(), product(G, transposed(G)).flat()), rows!);
        right = asMatrix(mix(gramDecay, right.flat(), product(transposed(G), G).flat()), columns!);
        if (t === 0) [ql, qr] = [eigen(left).vectors, eigen(right).vectors];
        else if (t % every === 0) {
          const [l, r] = [descending(ql, left), descending(qr, right)];
          const V = asMatrix(v, columns!);
          v = l.flatMap((i) => r.map((j) => V[i]![j]!));
          [ql, qr] = [orthonormal(product(left, columnsOf(ql, l))), orthonormal(product(right, columnsOf(qr, r)))];
        }
        return u;
      },
      theta: () => [left.flat(), right.flat()],
    };
  };
}

/** L <- L + G G', R <- R + G' G from eps I; u = L^(-1/4) G R^(-1/4) + wd y, and L^(-1/2) g for a vector. */
function shampoo(eps: number, every: number): Rule {
  return (problem, _client, start) => {
    const { shape = [problem.x0.length] } = problem;
    const columns = shape[1] ?? 1;
    const fresh = shape.map((extent) => identity(extent).map((row) => scaled(row, eps)));
    const factors = fresh.map((factor, i) => (start === undefined ? factor : gramOf(start.theta[i], factor.length)));
    let roots: Matrix[] = [];
    let k = 0;
    return {
      direction(g, y) {
        const G = asMatrix(g, columns);
        const grams = [product(G, transposed(G)), product(transposed(G), G)];
        for (const [i, factor] of factors.entries()) {
          factors[i] = asMatrix(plus(factor.flat(), grams[i]!.flat()), factor.length);
        }
        if (k++ % every === 0) roots = factors.map((factor) => power(factor, -1 / (2 * factors.length)));
        const half = product(roots[0]!, G);
        return decayed((roots[1] === undefined ? half : product(half, roots[1])).flat(), y, problem);
      },
      theta: () => factors.map((factor) => factor.flat()),
    };
  };
}

const gramOf = (values: Vector | undefined, extent: number): Matrix => asMatrix(values ?? zeros(extent ** 2), extent);

/** Columns of Q by descending diagonal of Q' A Q. */
function descending(q: Matrix, a: Matrix): number[] {
  const turned = product(transposed(q), product(a, q));
  return turned.map((_, i) => i).sort((i, j) => turned[j]![j]! - turned[i]![i]!);
}

const columnsOf = (a: Matrix, order: readonly number[]): Matrix => a.map((row) => order.map((j) => row[j]!));

/** The optimizer that the options of a trace name, all of whose numbers they give. */
export function namedRule(options: Options): Rule {
  const name = options.text("optimizer", "");
  const number = (option: string) => options.number(option);
  const adam = () => ({ b1: number("beta1"), b2: number("beta2"), eps: number("epsilon") });
  if (name === "sgd") return sgd();
  if (name === "adam") return coupledAdam(number("beta1"), number("beta2"), number("epsilon"));
  if (name === "adamw") return adamw(number("beta1"), number("beta2"), number("epsilon"));
  if (name === "muon") return muon(number("momentum"), number("matrixRate"));
  if (name === "soap") return soap(adam(), number("shampooBeta"), number("refreshEvery"));
  if (name === "shampoo") return shampoo(number("epsilon"), number("refreshEvery"));
  if (name === "sophia" && options.text("estimator", "") === "hutchinson") {
    return sophia(number("beta1"), number("beta2"), number("clipRatio"), number("epsilon"), number("refreshEvery"));
  }
  throw new Error(`no rule for the optimizer ${JSON.stringify(name)} with these options`);
}
