import { describe, expect, it } from "vitest";
import { randomStream, rootKey } from "../../random/index.ts";
import { parseEvent } from "../accounting/events.ts";
import { renyiDivergences } from "../accounting/rdp-curve.ts";
import { roundConditionally, roundedNorm } from "./conditional-rounding.ts";
import type { DiscreteMechanism, IntegerNoise } from "./discrete-mechanism.ts";
import { privacyEventOf } from "./privacy-event.ts";
import { paddedSize } from "./rotation.ts";

const REACH = 120;
const ORDERS = [2, 3, 5];
const kinds: readonly IntegerNoise[] = ["discrete-gaussian", "skellam"];

function mechanism(distribution: IntegerNoise, variance: number, survivors: number, size = 2): DiscreteMechanism {
  return { distribution, size, modulus: 2 ** 20, granularity: 1 / 2, variance, bias: Math.exp(-0.5), survivors };
}

function logSum(terms: readonly number[]): number {
  const largest = Math.max(...terms);
  return largest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - largest), 0));
}

/** ln P of one share at -REACH .. REACH, from the formulas of the distributions. */
function shareOf(distribution: IntegerNoise, variance: number): number[] {
  const at = (x: number) => {
    if (distribution === "discrete-gaussian") return -(x * x) / (2 * variance);
    // pairs of Poisson variates of mean variance / 2 that differ by |x|: sum_k (v/2)^(2k+|x|) / (k! (k+|x|)!)
    const start = Array.from({ length: Math.abs(x) }, (_, k) => Math.log(variance / 2 / (k + 1))).reduce(
      (a, b) => a + b,
      0,
    );
    const terms = [start];
    for (let k = 0; k < 60; k++)
      terms.push(terms[k]! + 2 * Math.log(variance / 2) - Math.log((k + 1) * (k + 1 + Math.abs(x))));
    return logSum(terms);
  };
  const weights = Array.from({ length: 2 * REACH + 1 }, (_, i) => at(i - REACH));
  const total = logSum(weights);
  return weights.map((weight) => weight - total);
}

/** ln P of the sum of n shares. */
function sumOf(share: readonly number[], n: number): readonly number[] {
  let sum = share;
  for (let k = 1; k < n; k++) {
    const before = sum;
    sum = share.map((_, s) => {
      const [from, to] = [Math.max(0, s - REACH), Math.min(2 * REACH, s + REACH)];
      return logSum(before.slice(from, to + 1).map((p, i) => p + share[s + REACH - from - i]!));
    });
  }
  return sum;
}

/** Divergence at an order of p, moved by `shift`, from q; the far tails, where the cut-off convolution is wrong, left out. */
function divergence(p: readonly number[], q: readonly number[], shift: number, order: number): number {
  const terms: number[] = [];
  for (let i = REACH / 3; i <= (5 * REACH) / 3; i++) terms.push(order * p[i - shift]! + (1 - order) * q[i]!);
  return logSum(terms) / (order - 1);
}

/** All integer vectors of two coordinates within a norm. */
function vectorsWithin(norm: number): (readonly [number, number])[] {
  const side = Array.from({ length: 2 * Math.floor(norm) + 1 }, (_, i) => i - Math.floor(norm));
  return side.flatMap((a) => side.map((b) => [a, b] as const)).filter(([a, b]) => Math.hypot(a, b) <= norm);
}

describe.each(kinds)("a sum of integers with shares of %s noise", (kind) => {
  it.each([
    [0.5, 2],
    [1, 3],
    [4, 2],
  ])("of variance %d and %i survivors bounds any update against zeros, by every divergence", (variance, survivors) => {
    const event = parseEvent(privacyEventOf(mechanism(kind, variance, survivors)));
    expect(event.adjacency).toBe("zero-out");
    const bounds = renyiDivergences(event, ORDERS);
    const share = shareOf(kind, variance);
    const norm = roundedNorm(2, 2, Math.exp(-0.5));
    const largest = (noise: readonly number[], factor: number, order: number) =>
      Math.max(
        ...vectorsWithin(norm).map((vector) =>
          vector.reduce((sum, shift) => sum + divergence(noise, noise, factor * shift, order), 0),
        ),
      );
    ORDERS.forEach((order, i) => {
      const exact = largest(sumOf(share, survivors), 1, order);
      expect(exact).toBeLessThan(bounds[i]!);
      // more survivors than are accounted for hide more
      expect(largest(sumOf(share, survivors + 1), 1, order)).toBeLessThan(exact);
      // between two updates the sum moves twice as far, which this is no bound for: zero-out has to be named
      if (variance === 4) expect(largest(sumOf(share, survivors), 2, order)).toBeGreaterThan(bounds[i]!);
    });
  });

  it("does not hide that a client is there: its share of noise is in every coordinate", () => {
    // 4 shares make the noise multiplier 1: 4 * 1000 / 4000
    const fine = { ...mechanism(kind, 1000, 4, 60_000), granularity: 1 / Math.sqrt(4000) };
    const bounds = renyiDivergences(parseEvent(privacyEventOf(fine)), ORDERS);
    const share = shareOf(kind, 4);
    ORDERS.forEach((order, i) => {
      // one share less, though the client's update is zero; nearly the same at any variance of a share
      const gone = paddedSize(fine.size) * divergence(sumOf(share, 3), sumOf(share, 4), 0, order);
      expect(gone).toBeGreaterThan(100 * bounds[i]!);
    });
  });
});

it("zeros are rounded to zeros, so that an update is all that a sum moves by", () => {
  const zeros = new Float64Array(64);
  expect(roundConditionally(zeros, 1e-9, randomStream(rootKey(1)))).toEqual(zeros);
});
