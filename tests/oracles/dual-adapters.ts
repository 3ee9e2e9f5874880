/**
 * A shared and a local adapter that learn from each other. feddat: H. Chen et al., AAAI 2024, arXiv:2308.12305. Derivatives
 * are finite differences of the losses with respect to what may move, so no rule of them is written down twice.
 */
import { mean, minus, plus, scaled, type Vector, zeros } from "./plain.ts";
import type { Oracle, PointsProblem } from "./problem.ts";

interface Sizes {
  readonly inputs: number;
  readonly hidden: number;
  readonly units: number;
  readonly classes: number;
}

/** What does not move, and what each client has. */
interface Base {
  readonly bias: Vector;
  readonly weight: Vector;
}

/** up relu(down y): values in the order of their names, down.bias, down.weight, up.bias, up.weight. */
function added(a: Vector, y: Vector, { hidden, units }: Sizes): Vector {
  const [weight, upBias, up] = [units, units + hidden * units, units + hidden * units + hidden];
  const narrow = Array.from({ length: units }, (_, j) =>
    Math.max(
      0,
      y.reduce((sum, value, i) => sum + value * a[weight + i * units + j]!, a[j]!),
    ),
  );
  return y.map((_, i) => narrow.reduce((sum, value, j) => sum + value * a[up + j * hidden + i]!, a[upBias + i]!));
}

function logits(base: Base, head: Vector, x: Vector, sizes: Sizes, adapter: (y: Vector) => Vector): Vector {
  const { hidden, classes } = sizes;
  const y = base.bias.map((bias, i) => x.reduce((sum, value, j) => sum + value * base.weight[j * hidden + i]!, bias));
  const h = plus(y, adapter(y)).map((value) => Math.max(0, value));
  return Array.from({ length: classes }, (_, c) =>
    h.reduce((sum, value, i) => sum + value * head[classes + i * classes + c]!, head[c]!),
  );
}

function logSoftmax(z: Vector): Vector {
  const top = Math.max(...z);
  const sum = z.reduce((total, value) => total + Math.exp(value - top), 0);
  return z.map((value) => value - top - Math.log(sum));
}

/** Central differences of the fourth order. */
function slopes(f: (v: Vector) => number, v: Vector): Vector {
  const h = 1e-3;
  return v.map((_, j) => {
    const at = (step: number) => f(v.map((value, i) => (i === j ? value + step * h : value)));
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h);
  });
}

const feddat: Oracle<PointsProblem> = (problem, options) => {
  const { x0, points, labels, owners, classes, hidden, cohorts, learningRate, localSteps, bottleneck } = problem;
  const [w, T] = [options.number("kdWeight", 0.5), options.number("temperature", 3)];
  const [etaG, trainsHead] = [options.number("serverLearningRate", 1), options.flag("trainsHead", true)];
  const sizes = { inputs: points[0]!.length, hidden, units: bottleneck!, classes };
  const adapter = 2 * hidden * sizes.units + hidden + sizes.units;
  let taken = 0;
  const take = (count: number) => {
    taken += count;
    return x0.slice(taken - count, taken);
  };
  let x = take(adapter);
  const bias = take(hidden);
  const local = take(adapter);
  const base = { bias, weight: take(sizes.inputs * hidden) };
  const first = take(classes + hidden * classes);
  const kept = new Map(owners.map((owner) => [owner, { local, head: first }]));
  return cohorts.map((cohort) => {
    const changes = cohort.map((client) => {
      const rows = points.flatMap((point, i) => (owners[i] === client ? [{ point, label: labels[i]! }] : []));
      const received = x;
      const single = (a: Vector, head: Vector, point: Vector) =>
        logits(base, head, point, sizes, (y) => added(a, y, sizes));
      const dual = (a: Vector, head: Vector, point: Vector) =>
        logits(base, head, point, sizes, (y) => scaled(plus(added(a, y, sizes), added(received, y, sizes)), 0.5));
      const loss = (student: Vector, teacher: Vector, label: number) => {
        const [t, p] = [logSoftmax(scaled(teacher, 1 / T)), logSoftmax(scaled(student, 1 / T))];
        const distance = t.reduce((sum, value, c) => sum + Math.exp(value) * (value - p[c]!), 0);
        return -(1 - w) * logSoftmax(student)[label]! + w * T * T * distance;
      };
      let [shared, own] = [x, kept.get(client)!];
      for (let k = 0; k < localSteps; k++) {
        const [a1, { local: a0, head }] = [shared, own];
        const teachers = rows.map(({ point }) => ({ one: single(a1, head, point), both: dual(a0, head, point) }));
        const over = (of: (row: (typeof rows)[number], i: number) => number) =>
          rows.reduce((sum, row, i) => sum + of(row, i), 0) / rows.length;
        const sharedLoss = (a: Vector, h: Vector) =>
          over(({ point, label }, i) => loss(single(a, h, point), teachers[i]!.both, label));
        const localLoss = (a: Vector, h: Vector) =>
          over(({ point, label }, i) => loss(dual(a, h, point), teachers[i]!.one, label));
        shared = plus(
          a1,
          slopes((a) => sharedLoss(a, head), a1),
          -learningRate,
        );
        const moved = trainsHead ? slopes((h) => sharedLoss(a1, h) + localLoss(a0, h), head) : zeros(head.length);
        own = {
          local: plus(
            a0,
            slopes((a) => localLoss(a, head), a0),
            -learningRate,
          ),
          head: plus(head, moved, -learningRate),
        };
      }
      kept.set(client, own);
      return minus(shared, x);
    });
    x = plus(x, mean(changes), etaG);
    return x;
  });
};

export const dualAdapters = { feddat };
