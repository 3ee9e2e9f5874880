/**
 * IPM and ALIE whose factor is chosen against the server's rule: it maximises |Rule(honest and f copies) - mu|^2 along a line
 * search of fixed length (El-Mhamdi, Guerraoui, Rouault, ICLR 2021, "Distributed Momentum for Byzantine-resilient SGD").
 */
import type { Vector } from "../params/index.ts";
import { deviationOf, meanOf, moved, squaredDistance } from "./statistics.ts";
import { type CraftedUpdate, signFlip } from "./update-attacks.ts";

/** How the server combines updates [n][d]; undefined where it refuses them. */
export type ServerRule = (updates: readonly Vector[]) => Vector | undefined;

export interface Search {
  /** f, copies of the crafted update that the server gets. */
  readonly attackers: number;
  readonly rule: ServerRule;
  /** Times that the rule is tried, the first one with factor 0. */
  readonly evaluations: number;
}

/** IPM, -factor mu, with the factor that moves the rule's result farthest. */
export function optimisedIpm(honest: readonly Vector[], search: Search): CraftedUpdate {
  const mean = meanOf(honest);
  return strongest(honest, mean, search, (factor) => signFlip(mean, factor));
}

/** ALIE, mu + sign factor sigma, with the factor that moves the rule's result farthest. */
export function optimisedAlie(honest: readonly Vector[], search: Search, sign: number): CraftedUpdate {
  const mean = meanOf(honest);
  const deviation = deviationOf(honest, mean);
  return strongest(honest, mean, search, (factor) => moved(mean, sign * factor, deviation));
}

function strongest(
  honest: readonly Vector[],
  mean: Float64Array,
  { attackers, rule, evaluations }: Search,
  craft: (factor: number) => Float64Array,
): CraftedUpdate {
  const factor = maximiseOnLine((x) => {
    const copies = Array.from({ length: attackers }, () => craft(x));
    const result = rule([...honest, ...copies]);
    return result === undefined ? Number.NEGATIVE_INFINITY : squaredDistance(result, mean);
  }, evaluations);
  return { vector: craft(factor), factor };
}

/**
 * The best x >= 0 that a search of fixed length finds: steps of doubling length from 0 while they help, then shorter steps
 * towards the best point.
 *
 * @param evaluations calls of `value`, the one at 0 counted
 */
export function maximiseOnLine(value: (x: number) => number, evaluations: number): number {
  let best = { x: 0, y: value(0) };
  let left = evaluations - 1;
  let [x, step] = [0, 1];
  const improves = () => {
    left--;
    const y = value(x);
    if (!(y > best.y)) return false;
    best = { x, y };
    return true;
  };
  while (left > 0) {
    x = best.x + step;
    if (improves()) {
      step *= 2;
      continue;
    }
    step *= 0.8;
    break;
  }
  while (left > 0) {
    if (x < best.x) x += step;
    else {
      let back = x - step;
      while (back < 0) back = (back + x) / 2;
      x = back;
    }
    improves();
    step *= 0.8;
  }
  return best.x;
}
