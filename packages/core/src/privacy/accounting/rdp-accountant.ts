import { AnabranchError } from "@anabranch/engine";
import { type Accountant, accountantOf, type Bound } from "./accountant.ts";
import type { PrivacyEvent } from "./events.ts";
import {
  convertToEpsilon,
  convertToLogDelta,
  fractionalOrders,
  integerOrders,
  type RdpConversion,
} from "./rdp-conversion.ts";
import { renyiDivergences } from "./rdp-curve.ts";

export interface RdpOptions {
  /** Default "tight". */
  readonly conversion?: RdpConversion;
  /** Orders to take the minimum over: a named grid, or numbers above 1. Default "fractional". */
  readonly orders?: "fractional" | "integer" | readonly number[];
}

/**
 * Accountant by Rényi divergences (I. Mironov, "Rényi Differential Privacy", CSF 2017, arXiv:1702.07476): divergences
 * add up order by order, the best order gives epsilon. It knows every kind of event and is quick; its epsilon is an
 * upper bound, in common settings 10 to 15 % above that of privacy loss distributions.
 *
 * @example
 * ```ts
 * import { rdpAccountant } from "@anabranch/core";
 * const { epsilon } = rdpAccountant().epsilon([{ kind: "gaussian", noiseMultiplier: 4, count: 10 }], 1e-5);
 * epsilon; // => 3.6171
 * ```
 */
export function rdpAccountant(options: RdpOptions = {}): Accountant {
  const { conversion = "tight" } = options;
  const orders = orderGrid(options.orders ?? "fractional");
  const total = composed(orders);
  return accountantOf({
    name: "rdp",
    assumption: `Rényi accountant: an upper bound, the best of ${orders.length} orders, ${conversion} conversion`,
    epsilon(events, delta) {
      const divergences = total(events);
      if (divergences.every((divergence) => divergence === 0)) return { value: 0 };
      const logDelta = Math.log(delta);
      return best(orders, (order, i) => convertToEpsilon(conversion, order, divergences[i]!, logDelta), 0);
    },
    delta(events, epsilon) {
      const divergences = total(events);
      if (divergences.every((divergence) => divergence === 0)) return { value: 0 };
      const bound = best(
        orders,
        (order, i) => convertToLogDelta(conversion, order, divergences[i]!, epsilon),
        Number.NEGATIVE_INFINITY,
      );
      return { ...bound, value: Math.min(1, Math.exp(bound.value)) };
    },
  });
}

/** Sums of divergences over events. Curves are kept, so that a run that asks every round computes each once. */
function composed(orders: readonly number[]): (events: readonly PrivacyEvent[]) => Float64Array {
  const curves = new Map<string, Float64Array>();
  return (events) => {
    const sum = new Float64Array(orders.length);
    for (const event of events) {
      const key = JSON.stringify({ ...event, count: 1 });
      const curve = curves.get(key) ?? renyiDivergences(event, orders);
      curves.set(key, curve);
      for (let i = 0; i < sum.length; i++) sum[i]! += event.count * curve[i]!;
    }
    return sum;
  };
}

/** The smallest value over all orders, at least `floor`. */
function best(orders: readonly number[], value: (order: number, index: number) => number, floor: number): Bound {
  let smallest = Number.POSITIVE_INFINITY;
  let at = 0;
  orders.forEach((order, i) => {
    const found = value(order, i);
    if (found >= smallest) return;
    smallest = found;
    at = i;
  });
  if (smallest === Number.POSITIVE_INFINITY) return { value: smallest };
  const edge = orders.length > 1 && smallest > floor && (at === 0 || at === orders.length - 1);
  return {
    value: Math.max(floor, smallest),
    order: orders[at]!,
    ...(edge ? { warnings: [`the best Rényi order, ${orders[at]}, is at the end of the orders tried`] } : {}),
  };
}

function orderGrid(orders: NonNullable<RdpOptions["orders"]>): readonly number[] {
  if (orders === "fractional") return fractionalOrders;
  if (orders === "integer") return integerOrders;
  if (orders.length > 0 && orders.every((order) => order > 1 && Number.isFinite(order))) return orders;
  throw new AnabranchError({
    code: "privacy/orders",
    message: "Rényi divergences are taken at orders above 1",
    received: orders.join(", "),
    expected: "one or more finite numbers above 1",
    advice: 'Leave the orders out, or use "fractional".',
  });
}
