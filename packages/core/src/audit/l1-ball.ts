/**
 * The nearest point of the l1 ball |v|_1 <= radius to v; v itself where it lies inside.
 *
 * Citation: J. Duchi, S. Shalev-Shwartz, Y. Singer, T. Chandra, "Efficient Projections onto the l1-Ball for Learning in High
 * Dimensions", ICML 2008, figure 1.
 *
 * @param radius at least 0; infinite: no bound
 * @example
 * ```ts
 * import { projectToBall } from "@anabranch/core";
 * projectToBall([3, -1], 2); // => [2, 0]
 * ```
 */
export function projectToBall(v: ArrayLike<number>, radius: number): number[] {
  const values = Array.from(v);
  const sizes = values.map(Math.abs);
  if (sizes.reduce((sum, size) => sum + size, 0) <= radius) return values;
  if (radius === 0) return values.map(() => 0);
  let [sum, threshold] = [0, 0];
  for (const [i, size] of sizes.sort((a, b) => b - a).entries()) {
    sum += size;
    const candidate = (sum - radius) / (i + 1);
    if (size <= candidate) break;
    threshold = candidate;
  }
  return values.map((value) => {
    const rest = Math.max(Math.abs(value) - threshold, 0);
    return rest === 0 ? 0 : Math.sign(value) * rest;
  });
}
