import { expect } from "vitest";

/** ln 1e6: a sampler that is right is found wrong with probability at most 1e-6. */
const DOUBT = Math.log(1e6);

/**
 * Pearson's chi-square of draws against weights over `from` to `to`. Neighbouring values are put together until ten draws
 * are expected. The bound on the statistic, k + 2 sqrt(k t) + 2 t, is passed with probability at most e^-t (B. Laurent,
 * P. Massart, Annals of Statistics 28, 2000, Lemma 1).
 */
export function expectDistribution(
  count: number,
  draw: () => number,
  weight: (x: number) => number,
  from: number,
  to: number,
): void {
  const weights = Array.from({ length: to - from + 1 }, (_, i) => weight(from + i));
  const total = weights.reduce((sum, w) => sum + w, 0);
  const seen = new Float64Array(weights.length);
  for (let i = 0; i < count; i++) {
    const x = draw();
    if (x < from || x > to) expect.fail(`${x} is out of reach`);
    seen[x - from]!++;
  }
  const cells: { expected: number; seen: number }[] = [];
  let cell = { expected: 0, seen: 0 };
  weights.forEach((w, i) => {
    cell = { expected: cell.expected + (count * w) / total, seen: cell.seen + seen[i]! };
    if (cell.expected < 10) return;
    cells.push(cell);
    cell = { expected: 0, seen: 0 };
  });
  const last = cells.at(-1)!;
  last.expected += cell.expected;
  last.seen += cell.seen;
  const statistic = cells.reduce((sum, c) => sum + (c.seen - c.expected) ** 2 / c.expected, 0);
  const freedom = cells.length - 1;
  expect(statistic).toBeLessThan(freedom + 2 * Math.sqrt(freedom * DOUBT) + 2 * DOUBT);
}
