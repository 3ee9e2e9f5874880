/**
 * Pairs (a, b), a < b, to compare and exchange in order, so that `count` values become ascending.
 *
 * Citation: K. E. Batcher. "Sorting Networks and Their Applications". AFIPS 1968; as Algorithm M (merge exchange) of
 * D. E. Knuth, "The Art of Computer Programming", volume 3, section 5.2.2.
 */
export function sortingNetwork(count: number): readonly (readonly [number, number])[] {
  const pairs: [number, number][] = [];
  if (count < 2) return pairs;
  const top = 2 ** Math.ceil(Math.log2(count) - 1e-9) / 2;
  for (let p = top; p >= 1; p /= 2) {
    let [q, r, d] = [top, 0, p];
    for (;;) {
      for (let i = 0; i < count - d; i++) if ((i & p) === r) pairs.push([i, i + d]);
      if (q === p) break;
      [d, q, r] = [q - p, q / 2, p];
    }
  }
  return pairs;
}
