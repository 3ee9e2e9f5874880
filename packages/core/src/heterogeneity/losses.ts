import {
  add,
  div,
  expandDims,
  gather,
  greater,
  log,
  logSoftmax,
  matmul,
  mean,
  mul,
  neg,
  softmax,
  softmaxCrossEntropy,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  where,
} from "@anabranch/engine";

/** A linear classifier, z = W f + b: weight [C, q], bias [C]. */
export interface LinearHead {
  readonly weight: Tensor;
  readonly bias?: Tensor;
}

/**
 * Mean cross-entropy of a batch, a scalar.
 *
 * @param logits [B, C]
 * @param labels [B] int32
 */
export function crossEntropy(logits: Tensor, labels: Tensor): Tensor {
  return mean(softmaxCrossEntropy(logits, labels));
}

/** Logits [B, C] of features [B, q]. */
export function headLogits({ weight, bias }: LinearHead, features: Tensor): Tensor {
  const logits = matmul(features, weight, { transposeB: true });
  return bias === undefined ? logits : add(logits, bias);
}

/**
 * KL(p || softmax(logits / T)), mean over the batch, in nats; a term with p = 0 is 0. There is no factor T^2.
 *
 * @param target p, [B, C], rows of probabilities
 * @param logits [B, C]
 */
export function distillation(target: Tensor, logits: Tensor, temperature = 1): Tensor {
  return mean(divergences(target, logits, temperature));
}

/** The same of each row, [B]. */
export function divergences(target: Tensor, logits: Tensor, temperature = 1): Tensor {
  const entropies = mul(target, log(where(greater(target, 0), target, 1)));
  const cross = mul(target, logSoftmax(div(logits, temperature)));
  return sum(sub(entropies, cross), [1]);
}

/**
 * 1 / |A| sum over stages of KL(s_l || softmax(logits / T)) of each example, [B]. Stages of which an example has only zeros
 * add nothing.
 *
 * @param active |A|
 */
export function stageDivergences(
  logits: Tensor,
  soft: readonly Tensor[],
  temperature: number,
  active: number | Tensor,
): Tensor {
  const terms = soft.map((target) => divergences(target, logits, temperature));
  return div(
    terms.reduce((a, b) => add(a, b)),
    active,
  );
}

/** -sum p log p of softmax(logits) by row, [B]. */
export function entropies(logits: Tensor): Tensor {
  return neg(sum(mul(softmax(logits), logSoftmax(logits)), [1]));
}

/** Rows of length 1, [n, q]. */
export function normalisedRows(x: Tensor): Tensor {
  return div(x, expandDims(sqrt(sum(square(x), [1])), 1));
}

/** The same, where a row of zeros stays one; its gradient is finite everywhere. */
export function unitRows(x: Tensor): Tensor {
  return div(x, expandDims(sqrt(add(sum(square(x), [1]), 1e-12)), 1));
}

/** The rows of x that int32 indices [n] name. */
export function rowsAt(x: Tensor, indices: Tensor): Tensor {
  return gather(x, indices, 0);
}
