import { erfValue } from "@anabranch/engine";

export interface ProjectionOptions {
  /** K, directions of the block with the largest norm. */
  readonly directions: number;
  /** rho, by the length d of a block: with E[v v^T] = rho I the estimate is unbiased. The released code has 1 / d. */
  rho(d: number): number;
}

/**
 * Ferret's projection of an update, block by block, onto directions that both sides derive from seeds. Blocks with larger
 * norms get more of the K directions.
 *   K_l = max(2, floor(|D_l| / max |D| K));  c_j = <D_l, v_j> / (rho_l K_l)
 * Y. Shu, W. Hu, S.-K. Ng, B. K. H. Low, F. R. Yu, "Ferret: Federated Full-Parameter Tuning at Scale for Large Language
 * Models", 2024, section 3. https://arxiv.org/abs/2409.06277
 *
 * @param blocks consecutive stretches of the update
 * @param direction the j-th direction of a block, of the length of the block
 * @param order the directions of each block in the order in which they are used
 */
export function projectBlocks(
  blocks: readonly Float64Array[],
  direction: (block: number, j: number) => ArrayLike<number>,
  order: readonly ArrayLike<number>[],
  { directions: K, rho }: ProjectionOptions,
): { readonly budgets: number[]; readonly coordinates: Float64Array[] } {
  const norms = blocks.map((block) => Math.sqrt(block.reduce((sum, value) => sum + value * value, 0)));
  const largest = Math.max(...norms);
  const budgets = norms.map((norm) => (largest === 0 ? 2 : Math.max(2, Math.floor((norm / largest) * K + 1e-9))));
  const coordinates = blocks.map((block, l) => {
    const scale = 1 / (rho(block.length) * budgets[l]!);
    const chosen = new Float64Array(K);
    for (let p = 0; p < Math.min(K, budgets[l]!); p++) {
      const j = order[l]![p]!;
      const v = direction(l, j);
      let product = 0;
      for (let i = 0; i < block.length; i++) product += block[i]! * v[i]!;
      chosen[j] = scale * product;
    }
    return chosen;
  });
  return { budgets, coordinates };
}

/** The update of a block: sum_j c_j v_j, [length]. */
export function reconstructBlock(
  length: number,
  coordinates: ArrayLike<number>,
  direction: (j: number) => ArrayLike<number>,
): Float64Array {
  const block = new Float64Array(length);
  for (let j = 0; j < coordinates.length; j++) {
    if (coordinates[j] === 0) continue;
    const v = direction(j);
    for (let i = 0; i < length; i++) block[i]! += coordinates[j]! * v[i]!;
  }
  return block;
}

/** Variance of a normal variable truncated to |z| <= a, with a = 1 / sqrt(d), as the paper draws directions. */
export function truncatedNormalVariance(d: number): number {
  const a = 1 / Math.sqrt(d);
  const density = Math.exp((-a * a) / 2) / Math.sqrt(2 * Math.PI);
  return 1 - (2 * a * density) / erfValue(a * Math.SQRT1_2);
}
