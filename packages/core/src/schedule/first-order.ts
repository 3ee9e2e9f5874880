import { type Vector, zerosLike } from "../params/vector.ts";

/**
 * A stale update moved to the present model by a first-order term: D - lambda D * D * (w - w0), elementwise [d]. The
 * product D * D stands for the diagonal of the Hessian.
 *
 * Source: S. Zheng, Q. Meng, T. Wang, W. Chen, N. Yu, Z.-M. Ma, T.-Y. Liu, "Asynchronous Stochastic Gradient Descent with
 * Delay Compensation", ICML 2017, arXiv:1609.08326, applied to updates as in H. Wang, W. Gao, 2023, arXiv:2309.13536.
 *
 * @param update D, trained on `base`
 * @example firstOrder(update, server.parameters, broadcast.parameters, 4)
 */
export function firstOrder(update: Vector, current: Vector, base: Vector, lambda: number): Vector {
  const moved = zerosLike(update);
  for (let i = 0; i < moved.length; i++) {
    const d = update[i]!;
    moved[i] = d - lambda * d * d * (current[i]! - base[i]!);
  }
  return moved;
}
