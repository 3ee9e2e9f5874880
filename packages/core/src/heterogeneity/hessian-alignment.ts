import { add, gradients, mul, square, stopGradient, sub, sum, type Tensor } from "@anabranch/engine";
import { crossEntropy, headLogits } from "./losses.ts";

/** Examples of one domain: features [n, q], labels [n] int32. */
export interface Domain {
  readonly features: Tensor;
  readonly labels: Tensor;
}

/** What a domain says of the head's loss: its gradient g and second-order vector h, both [C, q]. */
export interface Curvature {
  readonly gradient: Tensor;
  readonly second: Tensor;
}

/** "hgp": H g. Probes z: the mean of z * (H z), which estimates the diagonal (Hutchinson). */
export type SecondOrder = "hgp" | readonly Tensor[];

/** Mean cross-entropy of a head without bias, phi [C, q], on a domain. */
export function domainLoss(phi: Tensor, { features, labels }: Domain): Tensor {
  return crossEntropy(headLogits({ weight: phi }, features), labels);
}

/**
 * g and h of a domain at a head. In the federated form these are the two statistics that a client uploads.
 *
 * S. Hemati, G. Zhang, A. Estiri, X. Chen, "Understanding Hessian Alignment for Domain Generalization", ICCV 2023.
 */
export function curvatureOf(phi: Tensor, domain: Domain, form: SecondOrder): Curvature {
  const gradient = gradients(domainLoss(phi, domain), { phi }).phi;
  return { gradient, second: secondOrder(phi, gradient, form) };
}

function secondOrder(phi: Tensor, gradient: Tensor, form: SecondOrder): Tensor {
  // the gradient of |g|^2 / 2 is H g
  if (form === "hgp") return gradients(mul(0.5, sum(square(gradient))), { phi }).phi;
  const terms = form.map((z) => mul(z, gradients(sum(mul(gradient, z)), { phi }).phi));
  return mul(
    1 / terms.length,
    terms.reduce((a, b) => add(a, b)),
  );
}

/** Means over domains, constants within a round: of gradients, and of Hessians times it (HGP) or of the h_e. */
export function meanCurvature(phi: Tensor, domains: readonly Domain[], form: SecondOrder): Curvature {
  const all = domains.map((domain) => curvatureOf(phi, domain, form));
  const gradient = stopGradient(average(all.map((one) => one.gradient)));
  if (form !== "hgp") return { gradient, second: stopGradient(average(all.map((one) => one.second))) };
  // with the mean gradient g of the mean loss, the gradient of <g, constant g> is H g
  const loss = average(domains.map((domain) => domainLoss(phi, domain)));
  const whole = gradients(loss, { phi }).phi;
  return { gradient, second: stopGradient(gradients(sum(mul(whole, gradient)), { phi }).phi) };
}

/** alpha |h_e - h|^2 + beta |g_e - g|^2 */
export function alignmentPenalty(own: Curvature, mean: Curvature, alpha: number, beta: number): Tensor {
  const distance = (a: Tensor, b: Tensor) => sum(square(sub(a, b)));
  return add(mul(alpha, distance(own.second, mean.second)), mul(beta, distance(own.gradient, mean.gradient)));
}

/** Mean loss of the domains plus their mean penalty. One domain: its loss alone. */
export function alignedObjective(
  phi: Tensor,
  domains: readonly Domain[],
  form: SecondOrder,
  { alpha, beta }: { readonly alpha: number; readonly beta: number },
): Tensor {
  const mean = meanCurvature(phi, domains, form);
  const terms = domains.map((domain) => {
    return add(domainLoss(phi, domain), alignmentPenalty(curvatureOf(phi, domain, form), mean, alpha, beta));
  });
  return average(terms);
}

function average(terms: readonly Tensor[]): Tensor {
  return mul(
    1 / terms.length,
    terms.reduce((a, b) => add(a, b)),
  );
}
