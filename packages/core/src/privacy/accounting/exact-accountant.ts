import { type Accountant, accountantOf } from "./accountant.ts";
import { unsupported } from "./checks.ts";
import type { PrivacyEvent } from "./events.ts";
import { gaussianDelta, gaussianEpsilon, squaredMu } from "./gaussian.ts";

/**
 * The exact guarantee of unsampled Gaussian noise, for one release or many: compositions are Gaussian again
 * (`squaredMu`), and `gaussianDelta` is their curve. Other events are refused (`privacy/unsupported`).
 *
 * @example
 * ```ts
 * import { gaussianAccountant } from "@anabranch/core";
 * const { epsilon } = gaussianAccountant().epsilon([{ kind: "gaussian", noiseMultiplier: 4, count: 10 }], 1e-5);
 * epsilon; // => 3.3414
 * ```
 */
export function gaussianAccountant(): Accountant {
  return accountantOf({
    name: "gaussian",
    assumption: "exact curve of Gaussian noise",
    epsilon: (events, delta) => ({ value: gaussianEpsilon(muOf(events), delta) }),
    delta: (events, epsilon) => ({ value: gaussianDelta(muOf(events), epsilon) }),
  });
}

function muOf(events: readonly PrivacyEvent[]): number {
  const squares = events.map((event) => {
    const squared = squaredMu(event);
    if (squared !== undefined) return event.count * squared;
    throw unsupported("gaussian", event, "Gaussian noise without sampling", 'Use the accountant "pld" or "rdp".');
  });
  return Math.sqrt(squares.reduce((sum, squared) => sum + squared, 0));
}
