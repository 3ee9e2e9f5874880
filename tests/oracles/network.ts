/** A net of one hidden layer of relu and a linear head, in plain loops. */
import { asMatrix, plus, type Vector } from "./plain.ts";
import type { PointsProblem } from "./problem.ts";

export interface Network {
  /** dense1.bias [h] and dense1.weight [inputs, h] */
  readonly body: { readonly bias: Vector; readonly weight: readonly Vector[] };
  /** dense2.bias [C] and dense2.weight [h, C] */
  readonly head: { readonly bias: Vector; readonly weight: readonly Vector[] };
}

export interface LabelledPoint {
  readonly x: Vector;
  readonly y: number;
}

export function initialNetwork({ x0, hidden, classes }: PointsProblem): Network {
  const inputs = (x0.length - classes * (hidden + 1)) / hidden - 1;
  const parts = [hidden, inputs * hidden, classes, hidden * classes];
  const [b1, w1, b2, w2] = parts.map((size, k) => {
    const from = parts.slice(0, k).reduce((sum, one) => sum + one, 0);
    return x0.slice(from, from + size);
  });
  return {
    body: { bias: b1!, weight: asMatrix(w1!, hidden) },
    head: { bias: b2!, weight: asMatrix(w2!, classes) },
  };
}

/** The head as it travels: bias, then weight. */
export const flatHead = ({ head }: Pick<Network, "head">): Vector => [...head.bias, ...head.weight.flat()];

export function pointsOf({ points, labels, owners }: PointsProblem, client: number): LabelledPoint[] {
  return points.flatMap((x, k) => (owners[k] === client ? [{ x, y: labels[k]! }] : []));
}

/** relu(W1^T x + b1) */
export const representation = ({ bias, weight }: Network["body"], x: Vector): Vector =>
  bias.map((b, j) =>
    Math.max(
      0,
      x.reduce((sum, value, i) => sum + value * weight[i]![j]!, b),
    ),
  );

/** softmax(W2^T f + b2) */
export function probabilities({ bias, weight }: Network["head"], f: Vector): Vector {
  const raised = bias.map((b, c) => Math.exp(f.reduce((sum, value, j) => sum + value * weight[j]![c]!, b)));
  const total = raised.reduce((sum, value) => sum + value, 0);
  return raised.map((value) => value / total);
}

/** p - e_y, the gradient of the cross-entropy by the logits. */
export const residual = (head: Network["head"], f: Vector, y: number): Vector =>
  probabilities(head, f).map((p, c) => p - (c === y ? 1 : 0));

/** The head after a step of `rate` along r f^T. */
export function movedHead({ bias, weight }: Network["head"], f: Vector, r: Vector, rate: number): Network["head"] {
  return { bias: plus(bias, r, -rate), weight: weight.map((row, j) => plus(row, r, -rate * f[j]!)) };
}

/** One step of gradient descent on the mean cross-entropy of points. */
export function descended({ body, head }: Network, points: readonly LabelledPoint[], rate: number): Network {
  let next: Network = { body, head };
  for (const { x, y } of points) {
    const share = rate / points.length;
    const f = representation(body, x);
    const r = residual(head, f, y);
    const back = f.map((value, j) => (value > 0 ? r.reduce((sum, rc, c) => sum + rc * head.weight[j]![c]!, 0) : 0));
    next = {
      head: movedHead(next.head, f, r, share),
      body: {
        bias: plus(next.body.bias, back, -share),
        weight: next.body.weight.map((row, i) => plus(row, back, -share * x[i]!)),
      },
    };
  }
  return next;
}
