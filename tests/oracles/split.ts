/**
 * A network that is cut between a client and a server. sfprompt: L. Cao et al., 2024, arXiv:2407.17533, on layers of one width,
 * whose parameters are one vector; without prompts. Derivatives are finite differences of the losses.
 */
import { mean, minus, plus, type Vector } from "./plain.ts";
import type { Oracle, PointsProblem } from "./problem.ts";

interface Layer {
  readonly bias: Vector;
  readonly weight: Vector;
}

function affine({ bias, weight }: Layer, x: Vector): Vector {
  return bias.map((b, i) => x.reduce((sum, value, j) => sum + value * weight[j * bias.length + i]!, b));
}

/** Logits: relu after all layers but the last. */
function logits(layers: readonly Layer[], x: Vector): Vector {
  const last = layers.length - 1;
  return layers.reduce((y, layer, i) => affine(layer, y).map((v) => (i === last ? v : Math.max(0, v))), x);
}

function probabilities(z: Vector): Vector {
  const top = Math.max(...z);
  const powers = z.map((value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}

/** Central differences of the fourth order. */
function slopes(f: (v: Vector) => number, v: Vector): Vector {
  const h = 1e-3;
  return v.map((_, j) => {
    const at = (step: number) => f(v.map((value, i) => (i === j ? value + step * h : value)));
    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h);
  });
}

const sfprompt: Oracle<PointsProblem> = (problem, options) => {
  const { x0, points, labels, owners, classes, hidden, layers = 1, cohorts, learningRate, localSteps } = problem;
  const [headBlocks, tailBlocks] = [options.number("headBlocks", 1), options.number("tailBlocks", 1)];
  const [drop, U] = [options.number("drop", 0.2), options.number("localLossEpochs", 1)];
  const [keep, etaG] = [options.text("keep", "hardest"), options.number("serverLearningRate", 1)];
  const widths = [points[0]!.length, ...Array.from({ length: layers }, () => hidden), classes];
  const read = (values: Vector, from: number, count: number): Layer[] => {
    let at = 0;
    return Array.from({ length: count }, (_, k) => {
      const [inputs, outputs] = [widths[from + k]!, widths[from + k + 1]!];
      const bias = values.slice(at, at + outputs);
      at += outputs + inputs * outputs;
      return { bias, weight: values.slice(at - inputs * outputs, at) };
    });
  };
  const all = read(x0, 0, layers + 1);
  const head = all.slice(0, 1 + headBlocks);
  const body = all.slice(1 + headBlocks, layers - tailBlocks);
  const start = all.slice(layers - tailBlocks).flatMap(({ bias, weight }) => [...bias, ...weight]);
  const tailOf = (x: Vector) => read(x, layers - tailBlocks, tailBlocks + 1);
  const whole = (x: Vector) => [...head, ...body, ...tailOf(x)];
  const shortcut = (x: Vector) => [...head, ...tailOf(x)];
  const loss = (network: readonly Layer[], rows: readonly number[]) =>
    rows.reduce((sum, row) => sum - Math.log(probabilities(logits(network, points[row]!))[labels[row]!]!), 0) /
    rows.length;
  const descend = (y: Vector, network: (x: Vector) => readonly Layer[], rows: readonly number[]) =>
    plus(
      y,
      slopes((x) => loss(network(x), rows), y),
      -learningRate,
    );
  let x = start;
  return cohorts.map((cohort) => {
    const changes = cohort.map((client) => {
      const rows = owners.flatMap((owner, row) => (owner === client ? [row] : []));
      const score = (row: number) =>
        Math.hypot(...probabilities(logits(shortcut(x), points[row]!)).map((p, c) => p - (c === labels[row] ? 1 : 0)));
      const sign = keep === "hardest" ? 1 : -1;
      const easiestFirst = [...rows].sort((a, b) => sign * (score(a) - score(b)) || a - b);
      const kept = easiestFirst.slice(Math.floor(drop * rows.length + 1e-9));
      let y = x;
      for (let u = 0; u < U; u++) y = descend(y, shortcut, rows);
      for (let k = 0; k < localSteps; k++) y = descend(y, whole, kept);
      return minus(y, x);
    });
    x = plus(x, mean(changes), etaG);
    return x;
  });
};

export const split = { sfprompt };
