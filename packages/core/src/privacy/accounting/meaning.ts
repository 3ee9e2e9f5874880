import type { PrivacyStatement } from "./accountant.ts";
import { groupEvents, type PrivacyEventInput } from "./events.ts";
import { gaussianEpsilon, sensitivity } from "./gaussian.ts";

/** From this epsilon on, one client's part can practically be told from what is released. */
const WEAK = 10;

/** What a statement means for a client, and what little noise does to it: whole sentences for people. */
export function explain(statement: PrivacyStatement, events: readonly PrivacyEventInput[]): string[] {
  return [oddsOf(statement), ...littleNoise(statement, events)];
}

/**
 * Who gives even odds to two neighbouring populations can reach e^epsilon / (1 + e^epsilon) (P. Kairouz, S. Oh,
 * P. Viswanath, "The Composition Theorem for Differential Privacy", ICML 2015, arXiv:1311.0776, Section 2.1, at delta 0).
 */
function oddsOf({ epsilon, delta, adjacency }: PrivacyStatement): string {
  if (epsilon === Number.POSITIVE_INFINITY) return "There is no guarantee: what is released may show a client's data.";
  const what = adjacency === "replace-one" ? "which of two data sets a client holds" : "whether a client takes part";
  const sure = 100 / (1 + Math.exp(-epsilon));
  const digits = epsilon < 4 ? 0 : epsilon < 7 ? 1 : 2;
  const most = epsilon < WEAK ? `at most ${sure.toFixed(digits)} % sure` : "practically certain";
  const weak = epsilon < WEAK ? "" : " This is weak privacy: add noise, or take fewer rounds or clients a round.";
  return `Who sees all that is released, and first gives even odds to ${what}, can become ${most} of it (but for a probability of ${delta}).${weak}`;
}

/** With less noise than one update is long, sampling carries the guarantee: the rounds with the client in them have none. */
function littleNoise({ delta }: PrivacyStatement, events: readonly PrivacyEventInput[]): string[] {
  const gaussian = groupEvents(events).flatMap((event) =>
    event.kind === "laplace" || !("noiseMultiplier" in event) ? [] : [event],
  );
  const small = gaussian.find(({ noiseMultiplier }) => noiseMultiplier < 1);
  if (small === undefined || small.noiseMultiplier === 0) return [];
  const epsilon = gaussianEpsilon(sensitivity(small.adjacency) / small.noiseMultiplier, delta);
  return [
    `A noise multiplier of ${small.noiseMultiplier} is less noise than one clipped update is long: a single round with a client in it has epsilon ${epsilon.toFixed(2)} for that client.`,
  ];
}
