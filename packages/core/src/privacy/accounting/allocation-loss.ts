import type { BlockRatio, RatioOutcomes } from "./allocation-ratio.ts";
import type { Direction, LossDistribution } from "./privacy-loss.ts";

/** The loss of a block in one direction, from its stand-ins. */
export function allocationLoss({ upper, lower }: BlockRatio, direction: Direction): LossDistribution {
  return { ...discreteLoss(upper, direction), optimistic: discreteLoss(lower, direction) };
}

/** The loss of a finite number of outcomes: ln(p / q), or ln(q / p) where the client is added. */
function discreteLoss({ p, q, lostP, lostQ }: RatioOutcomes, direction: Direction): LossDistribution {
  const exchanged = direction === "add";
  const [under, against] = exchanged ? [q, p] : [p, q];
  const infinite = exchanged ? lostQ : lostP;
  const below = exchanged ? lostP : lostQ;
  const order = Array.from(under.keys())
    .filter((i) => p[i]! > 0 && q[i]! > 0)
    .map((i) => ({ i, loss: Math.log(under[i]! / against[i]!) }))
    .sort((a, b) => a.loss - b.loss);
  const losses = Float64Array.from(order, ({ loss }) => loss);
  const pick = (values: Float64Array) => Float64Array.from(order, ({ i }) => values[i]!);
  const [pBelow, qBelow] = [runningSum(pick(under), 0), runningSum(pick(against), below)];
  const [pAbove, qAbove] = [
    runningSum(pick(under).reverse(), infinite).reverse(),
    runningSum(pick(against).reverse(), 0).reverse(),
  ];
  const margin = 1e-9 * Math.max(Math.abs(losses[0]!), Math.abs(losses.at(-1)!), 1e-9);
  return {
    lowest: losses[0]! - margin,
    highest: losses.at(-1)! + margin,
    tails(loss, out) {
      const count = countUpTo(losses, loss);
      out.pBelow = pBelow[count]!;
      out.qBelow = qBelow[count]!;
      out.pAbove = pAbove[count]!;
      out.qAbove = qAbove[count]!;
    },
  };
}

/** `start` and the sums of the first 1, 2, ... values, [n + 1], each correct to its last digit: P. M. Neumaier's summation. */
function runningSum(values: Float64Array, start: number): Float64Array {
  const sums = new Float64Array(values.length + 1).fill(start);
  let [sum, rest] = [start, 0];
  values.forEach((value, i) => {
    const next = sum + value;
    rest += sum >= value ? sum - next + value : value - next + sum;
    sum = next;
    sums[i + 1] = sum + rest;
  });
  return sums;
}

/** How many of the ascending values are at most `limit`. */
function countUpTo(values: Float64Array, limit: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
