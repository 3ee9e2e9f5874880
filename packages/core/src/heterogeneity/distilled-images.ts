import {
  add,
  concat,
  constant,
  div,
  exp,
  expandDims,
  gradients,
  log,
  matmul,
  mul,
  neg,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
} from "@anabranch/engine";
import { crossEntropy, headLogits, type LinearHead, normalisedRows } from "./losses.ts";

/** Examples with their classes: features [n, d], labels [n]. */
export interface LabelledRows {
  readonly features: Tensor;
  readonly labels: readonly number[];
}

/**
 * Distribution matching: over classes that both sets have, the sum of |mean embedding of real - of synthetic|^2. Its
 * gradient by the synthetic examples condenses a data set.
 *
 * C.-Y. Huang, R. Jin, C. Zhao, D. Xu, X. Li, "Federated Learning on Virtual Heterogeneous Data with Local-Global
 * Distillation", TMLR 2024, arXiv:2303.02278; after B. Zhao, H. Bilen, "Dataset Condensation with Distribution Matching",
 * WACV 2023.
 *
 * @param embed rows [n, d] to embeddings [n, q]
 *
 * @example
 * ```ts
 * import { distributionMatching } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const real = { features: constant([1, 3], [2, 1]), labels: [0, 0] };
 * const synthetic = { features: constant([5], [1, 1]), labels: [0] };
 * evaluate(distributionMatching((rows) => rows, real, synthetic)).data; // => [9]
 * ```
 */
export function distributionMatching(
  embed: (rows: Tensor) => Tensor,
  real: LabelledRows,
  synthetic: LabelledRows,
): Tensor {
  const [of, like] = [embed(real.features), embed(synthetic.features)];
  const terms = [...new Set(real.labels)]
    .filter((label) => synthetic.labels.includes(label))
    .map((label) => sum(square(sub(classMean(of, real.labels, label), classMean(like, synthetic.labels, label)))));
  return terms.reduce((a, b) => add(a, b), constant(0));
}

function classMean(rows: Tensor, labels: readonly number[], label: number): Tensor {
  const weights = labels.map((other) => (other === label ? 1 : 0));
  const count = weights.reduce<number>((a, b) => a + b, 0);
  return matmul(
    constant(
      weights.map((weight) => weight / count),
      [1, labels.length],
    ),
    rows,
  );
}

/**
 * Gradient matching: sum over the rows of a classifier's weight of 1 - cos(gradient of the mean loss on the server's
 * examples, target). Biases are left out.
 *
 * @param target [C, d], such as a mean gradient of clients
 *
 * @example
 * ```ts
 * import { gradientMatching } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const head = { weight: constant([0, 0], [2, 1]) };
 * const rows = { features: constant([1], [1, 1]), labels: [0] };
 * // the gradient is [-0.5, 0.5]: both rows point as the target does
 * evaluate(gradientMatching(head, rows, constant([-1, 1], [2, 1]))).data; // => [0]
 * ```
 */
export function gradientMatching({ weight, bias }: LinearHead, rows: LabelledRows, target: Tensor): Tensor {
  const labels = constant(rows.labels, [rows.labels.length], "int32");
  const logits = headLogits({ weight, ...(bias === undefined ? {} : { bias }) }, rows.features);
  const found = gradients(crossEntropy(logits, labels), { weight }).weight;
  const lengths = mul(sqrt(sum(square(found), [1])), sqrt(sum(square(target), [1])));
  return sum(sub(1, div(sum(mul(found, target), [1]), lengths)));
}

/**
 * Supervised contrastive loss over clients' and server's features together: features of one class attract each other. Mean
 * over the rows that have another row of their class; none: 0.
 *
 * P. Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, equation 2.
 *
 * @example
 * ```ts
 * import { contrastiveLoss } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const client = { features: constant([1, 0, 0, 1], [2, 2]), labels: [0, 1] };
 * const server = { features: constant([1, 0, 0, 1], [2, 2]), labels: [0, 1] };
 * evaluate(contrastiveLoss(client, server, 0.5)).data; // => [0.2395]
 * ```
 */
export function contrastiveLoss(client: LabelledRows, server: LabelledRows, temperature: number): Tensor {
  const labels = [...client.labels, ...server.labels];
  const n = labels.length;
  const rows = normalisedRows(concat([client.features, server.features], 0));
  const similarity = div(matmul(rows, rows, { transposeB: true }), temperature);
  const others = table(n, (i, j) => i !== j);
  const positives = labels.map((label, i) => labels.filter((other, j) => other === label && i !== j).length);
  const anchors = positives.filter((count) => count > 0).length;
  if (anchors === 0) return constant(0);
  const sums = sum(mul(constant(others, [n, n]), exp(similarity)), [1]);
  const logShares = sub(similarity, expandDims(log(sums), 1));
  // each positive pair counts 1 / positives of its anchor
  const weights = table(n, (i, j) => i !== j && labels[i] === labels[j]).map((one, k) => {
    return one === 0 ? 0 : one / (positives[Math.floor(k / n)]! * anchors);
  });
  return neg(sum(mul(constant(weights, [n, n]), logShares)));
}

function table(n: number, holds: (i: number, j: number) => boolean): number[] {
  return Array.from({ length: n * n }, (_, k) => (holds(Math.floor(k / n), k % n) ? 1 : 0));
}

/**
 * Whether FedLGD's clients renew their images in a round: every `every`-th while the round is below `until`.
 *
 * @param round counts from 0
 *
 * @example
 * ```ts
 * import { refreshes } from "@anabranch/core";
 * [0, 3, 5, 50].map((round) => refreshes(round)); // => [true, false, true, false]
 * ```
 */
export function refreshes(
  round: number,
  { every = 5, until = 50 }: { readonly every?: number; readonly until?: number } = {},
): boolean {
  return round < until && round % every === 0;
}
