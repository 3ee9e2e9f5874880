import { add, gradients, mul, stopGradient, sub, sum, type Tensor } from "@anabranch/engine";
import { crossEntropy, headLogits } from "./losses.ts";

/** Examples of one domain: features [n, q], labels [n] int32. */
export interface Domain {
  readonly features: Tensor;
  readonly labels: Tensor;
}

/** What a domain says of the head's loss: its gradient g and second-order vector h, in the shapes of the head. */
export interface Curvature<T extends Tensors = Tensors> {
  readonly gradient: T;
  readonly second: T;
}

type Tensors = Readonly<Record<string, Tensor>>;

/** "hgp": H g. Probes z: the mean of z * (H z), which estimates the diagonal (Hutchinson). */
export type SecondOrder<T extends Tensors = Tensors> = "hgp" | readonly T[];

/**
 * Mean cross-entropy of a head without bias, phi [C, q], on a domain.
 *
 * @example
 * ```ts
 * import { domainLoss } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const domain = { features: constant([1], [1, 1]), labels: constant([0], [1], "int32") };
 * evaluate(domainLoss(constant([0, 0], [2, 1]), domain)).data; // => [0.6931]
 * ```
 */
export function domainLoss(phi: Tensor, { features, labels }: Domain): Tensor {
  return crossEntropy(headLogits({ weight: phi }, features), labels);
}

/**
 * g and h of a loss at a head. In the federated form these are the two statistics that a client uploads.
 *
 * S. Hemati, G. Zhang, A. Estiri, X. Chen, "Understanding Hessian Alignment for Domain Generalization", ICCV 2023.
 *
 * @param head parameters that the loss was traced of
 *
 * @example
 * ```ts
 * import { curvatureOf, domainLoss } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const domain = { features: constant([1], [1, 1]), labels: constant([0], [1], "int32") };
 * const phi = constant([0, 0], [2, 1]);
 * const { gradient, second } = curvatureOf(domainLoss(phi, domain), { phi }, "hgp");
 * evaluate(gradient.phi).data; // => [-0.5, 0.5]
 * evaluate(second.phi).data; // => [-0.25, 0.25]
 * ```
 */
export function curvatureOf<T extends Tensors>(loss: Tensor, head: T, form: SecondOrder<T>): Curvature<T> {
  const gradient = gradients(loss, head) as T;
  return { gradient, second: secondOrder(head, gradient, form) };
}

function secondOrder<T extends Tensors>(head: T, gradient: T, form: SecondOrder<T>): T {
  // the gradient of |g|^2 / 2 is H g
  if (form === "hgp") return gradients(mul(0.5, product(gradient, gradient)), head) as T;
  const products = form.map((z) => gradients(product(gradient, z), head) as T);
  return mapped(head, (name) => average(products.map((Hz, k) => mul(form[k]![name]!, Hz[name]!))));
}

/**
 * Means over domains, constants within a round: of gradients, and of Hessians times it (HGP) or of the h_e.
 *
 * @example
 * ```ts
 * import { meanCurvature } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const domain = (x: number) => ({ features: constant([x], [1, 1]), labels: constant([0], [1], "int32") });
 * const mean = meanCurvature(constant([0, 0], [2, 1]), [domain(1), domain(3)], "hgp");
 * evaluate(mean.gradient["phi"]!).data; // => [-1, 1]
 * ```
 */
export function meanCurvature(phi: Tensor, domains: readonly Domain[], form: SecondOrder): Curvature {
  const head = { phi };
  const losses = domains.map((domain) => domainLoss(phi, domain));
  const all = losses.map((loss) => curvatureOf(loss, head, form));
  const gradient = meanOf(
    head,
    all.map((one) => one.gradient),
  );
  if (form !== "hgp")
    return {
      gradient,
      second: meanOf(
        head,
        all.map((one) => one.second),
      ),
    };
  // with the mean gradient g of the mean loss, the gradient of <g, constant g> is H g
  const whole = gradients(average(losses), head);
  const second = gradients(product(whole, gradient), head);
  return { gradient, second: meanOf(head, [second]) };
}

/**
 * alpha |h_e - h|^2 + beta |g_e - g|^2
 *
 * @example
 * ```ts
 * import { alignmentPenalty } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const curvature = (g: number, h: number) => ({ gradient: { w: constant([g]) }, second: { w: constant([h]) } });
 * evaluate(alignmentPenalty(curvature(1, 2), curvature(3, 5), 0.1, 1)).data; // => [4.9]
 * ```
 */
export function alignmentPenalty(own: Curvature, mean: Curvature, alpha: number, beta: number): Tensor {
  const distance = (a: Tensors, b: Tensors) => {
    const apart = mapped(a, (name) => sub(a[name]!, b[name]!));
    return product(apart, apart);
  };
  return add(mul(alpha, distance(own.second, mean.second)), mul(beta, distance(own.gradient, mean.gradient)));
}

/**
 * Mean loss of the domains plus their mean penalty. One domain: its loss alone.
 *
 * @example
 * ```ts
 * import { alignedObjective } from "@anabranch/core";
 * import { constant, evaluate } from "@anabranch/engine";
 * const domain = (x: number) => ({ features: constant([x], [1, 1]), labels: constant([0], [1], "int32") });
 * const phi = constant([0, 0], [2, 1]);
 * evaluate(alignedObjective(phi, [domain(1), domain(3)], "hgp", { alpha: 0, beta: 1 })).data; // => [1.1931]
 * ```
 */
export function alignedObjective(
  phi: Tensor,
  domains: readonly Domain[],
  form: SecondOrder,
  { alpha, beta }: { readonly alpha: number; readonly beta: number },
): Tensor {
  const mean = meanCurvature(phi, domains, form);
  const terms = domains.map((domain) => {
    const loss = domainLoss(phi, domain);
    return add(loss, alignmentPenalty(curvatureOf(loss, { phi }, form), mean, alpha, beta));
  });
  return average(terms);
}

/** <a, b> over all tensors, a scalar. */
function product(a: Tensors, b: Tensors): Tensor {
  return Object.keys(a)
    .map((name) => sum(mul(a[name]!, b[name]!)))
    .reduce((x, y) => add(x, y));
}

function meanOf(head: Tensors, all: readonly Tensors[]): Tensors {
  return mapped(head, (name) => stopGradient(average(all.map((one) => one[name]!))));
}

function mapped<T extends Tensors>(like: T, value: (name: string) => Tensor): T {
  return Object.fromEntries(Object.keys(like).map((name) => [name, value(name)])) as T;
}

function average(terms: readonly Tensor[]): Tensor {
  return mul(
    1 / terms.length,
    terms.reduce((a, b) => add(a, b)),
  );
}
