import { product, symmetricEigen, transposed } from "@anabranch/engine";
import { describe, expect, it } from "vitest";
import { traceQuadratics } from "../simulation/trace-quadratics.ts";

const [m, n, clients] = [2, 3, 3];
const d = m * n;
const numbers = (seed: number, count: number, scale: number) =>
  Array.from({ length: count }, (_, i) => scale * Math.sin(seed + 3 * i + i * i));
const problem = {
  a: Array.from({ length: clients }, (_, i) => numbers(i, d, 1).map((v) => 1.5 + v)),
  b: Array.from({ length: clients }, (_, i) => numbers(10 + i, d, 2)),
  x0: numbers(20, d, 1),
  learningRate: 0.05,
  localSteps: 4,
  cohorts: [[0, 1], [1, 2], [2], [0, 1, 2]],
  shape: [m, n],
};

type Vector = number[];
/** An optimizer's memory for one client and round: made from Theta, it turns gradients into directions. */
interface Memory {
  direction(g: Vector, a: Vector): Vector;
  theta(): Vector;
}

/** FedPAC's rounds as its equations stand, around an optimizer. */
function byHand(start: (theta: Vector | undefined) => Memory, beta: number): Vector[] {
  const { a, b, x0, learningRate: eta, localSteps, cohorts } = problem;
  let [x, theta, pull]: [Vector, Vector | undefined, Vector] = [x0, undefined, x0.map(() => 0)];
  const mean = (vectors: Vector[]) =>
    vectors[0]!.map((_, j) => vectors.reduce((s, v) => s + v[j]!, 0) / vectors.length);
  return cohorts.map((cohort) => {
    const results = cohort.map((client) => {
      const memory = start(theta);
      let y = x;
      for (let k = 0; k < localSteps; k++) {
        const u = memory.direction(
          y.map((v, j) => a[client]![j]! * (v - b[client]![j]!)),
          a[client]!,
        );
        y = y.map((v, j) => v - eta * ((1 - beta) * u[j]! + beta * pull[j]!));
      }
      return { delta: y.map((v, j) => v - x[j]!), theta: memory.theta() };
    });
    const delta = mean(results.map((result) => result.delta));
    theta = mean(results.map((result) => result.theta));
    pull = delta.map((v) => -v / (localSteps * eta));
    x = x.map((v, j) => v + delta[j]!);
    return x;
  });
}

/** Refreshed in steps 1, 3, ... by the exact diagonal of the Hessian, which is what signs give on a quadratic. */
function sophia(theta: Vector | undefined): Memory {
  let [moment, h, k] = [Array(d).fill(0) as Vector, theta ?? (Array(d).fill(0) as Vector), 0];
  return {
    direction(g, a) {
      moment = moment.map((v, j) => 0.6 * v + 0.4 * g[j]!);
      if (k++ % 2 === 0) h = h.map((v, j) => 0.7 * v + 0.3 * a[j]!);
      return moment.map((v, j) => Math.max(-1, Math.min(1, v / Math.max(2 * h[j]!, 1e-12))));
    },
    theta: () => h,
  };
}

const times = (x: ArrayLike<number>, y: ArrayLike<number>, rows: number, inner: number, columns: number) =>
  Array.from(product(Array.from(x), Float64Array.from(y), rows, inner, columns));
const turned = (x: ArrayLike<number>, rows: number, columns: number) => Array.from(transposed(x, rows, columns));

/** The bases are found once, after the first gradient, which moves nothing: four steps end before the first refresh. */
function soap(theta: Vector | undefined): Memory {
  let [left, right] = [theta?.slice(0, m * m) ?? Array(m * m).fill(0), theta?.slice(m * m) ?? Array(n * n).fill(0)];
  let [first, second, t] = [Array(d).fill(0) as Vector, Array(d).fill(0) as Vector, -1];
  let [ql, qr]: [Vector, Vector] = [[], []];
  return {
    direction(g) {
      const mix = (gram: Vector, fresh: Vector) => gram.map((v, i) => 0.8 * v + 0.2 * fresh[i]!);
      t++;
      let u = g.map(() => 0);
      if (t > 0) {
        const into = (x: Vector) => times(times(turned(ql, m, m), x, m, m, n), qr, m, n, n);
        first = first.map((v, j) => 0.95 * v + 0.05 * g[j]!);
        const gradient = into(g);
        second = second.map((v, j) => 0.95 * v + 0.05 * gradient[j]! ** 2);
        const gain = Math.sqrt(1 - 0.95 ** t) / (1 - 0.95 ** t);
        const adapted = into(first).map((v, j) => (gain * v) / (Math.sqrt(second[j]!) + 1e-3));
        u = times(times(ql, adapted, m, m, n), turned(qr, n, n), m, n, n);
      }
      left = mix(left, times(g, turned(g, m, n), m, n, m));
      right = mix(right, times(turned(g, m, n), g, n, m, n));
      if (t === 0) {
        ql = Array.from(symmetricEigen(left, m).vectors);
        qr = Array.from(symmetricEigen(right, n).vectors);
      }
      return u;
    },
    theta: () => [...left, ...right],
  };
}

describe("FedPAC is its equations in plain loops", () => {
  it.each([
    [
      "Sophia",
      sophia,
      { optimizer: "sophia", estimator: "hutchinson", beta1: 0.6, beta2: 0.7, refreshEvery: 2, clipRatio: 2 },
    ],
    ["SOAP", soap, { optimizer: "soap", shampooBeta: 0.8, epsilon: 1e-3 }],
  ])("with %s", async (_name, start, options) => {
    const { rounds } = await traceQuadratics({ ...problem, algorithm: { name: "fedpac", beta: 0.3, ...options } });
    const expected = byHand(start, 0.3);
    for (const [round, x] of rounds.entries()) {
      expect(x).toEqual(expected[round]!.map((v) => expect.closeTo(v, 9)));
    }
  });
});
