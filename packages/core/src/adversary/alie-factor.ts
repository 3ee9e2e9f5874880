import { AnabranchError } from "@anabranch/engine";
import { normalTail } from "../privacy/accounting/special-functions.ts";

/**
 * The z of ALIE at which a majority of n updates still lies beyond the crafted one: Phi^-1((n - f - s) / (n - f)) with
 * s = floor(n / 2) + 1 - f supporters (arXiv 1902.06635, algorithm 3). Throws `attack/alie` where that is no number.
 *
 * @param clients n, updates of a round
 * @param attackers f, those of attackers
 * @example alieFactor(50, 10) // 0.2533
 */
export function alieFactor(clients: number, attackers: number): number {
  const honest = clients - attackers;
  const supporters = Math.floor(clients / 2) + 1 - attackers;
  const share = (honest - supporters) / honest;
  if (share > 0 && share < 1) return normalQuantile(share);
  throw new AnabranchError({
    code: "attack/alie",
    message: "the factor of ALIE does not follow from these numbers",
    where: "attack.z",
    received: `${attackers} attackers among ${clients} clients`,
    expected: "attackers that are at most half of at least 3 clients",
    advice: "Set attack.z, e.g. to 1.5.",
  });
}

/** Phi^-1(p) for 0 < p < 1, by bisection until the interval is one float64. */
function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  // Phi(-x) = normalTail(x) falls in x >= 0 from 1/2
  let [low, high] = [0, 40];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return -middle;
    if (normalTail(middle) > p) low = middle;
    else high = middle;
  }
}
