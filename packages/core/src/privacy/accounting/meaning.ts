import type { PrivacyContext, PrivacyStatement } from "./accountant.ts";
import { groupEvents, type PrivacyEventInput } from "./events.ts";
import { gaussianEpsilon, sensitivity } from "./gaussian.ts";

/** From this epsilon on, one client's part can practically be told from what is released. */
const WEAK = 10;

/** What a statement means for a client (or a record), and what little noise does to it: whole sentences for people. */
export function explain(
  statement: PrivacyStatement,
  events: readonly PrivacyEventInput[],
  { unit = "clients" }: Pick<PrivacyContext, "unit"> = {},
): string[] {
  return [oddsOf(statement, events, unit), ...littleNoise(statement, events, unit)];
}

type Unit = NonNullable<PrivacyContext["unit"]>;

const WHAT = {
  clients: {
    "replace-one": "which of two data sets a client holds",
    "add-or-remove": "whether a client takes part",
    "zero-out": "whether a client's updates or zeros are in the sums",
  },
  records: {
    "replace-one": "which of two records is among a client's",
    "add-or-remove": "whether a record is among a client's",
    "zero-out": "whether a record or zeros are among a client's",
  },
};

/**
 * Who gives even odds to two neighbouring populations can reach e^epsilon / (1 + e^epsilon) (P. Kairouz, S. Oh,
 * P. Viswanath, "The Composition Theorem for Differential Privacy", ICML 2015, arXiv:1311.0776, Section 2.1, at delta 0).
 */
function oddsOf(
  { epsilon, delta, adjacency }: PrivacyStatement,
  events: readonly PrivacyEventInput[],
  unit: Unit,
): string {
  if (epsilon === Number.POSITIVE_INFINITY) return "There is no guarantee: what is released may show a client's data.";
  const what = WHAT[unit][adjacency];
  const sure = 100 / (1 + Math.exp(-epsilon));
  const digits = epsilon < 4 ? 0 : epsilon < 7 ? 1 : 2;
  const most = epsilon < WEAK ? `at most ${sure.toFixed(digits)} % sure` : "practically certain";
  const amplified = events.some(({ kind }) => kind === "poisson-gaussian" || kind === "fixed-size-gaussian");
  const weak =
    epsilon < WEAK
      ? ""
      : ` This is weak privacy: add noise, or take fewer rounds${amplified ? " or clients a round" : ""}.`;
  return `Who sees all that is released, and first gives even odds to ${what}, can become ${most} of it (but for a probability of ${delta}).${weak}`;
}

/** With less noise than one update is long, sampling carries the guarantee: the rounds with the client in them have none. */
function littleNoise({ delta }: PrivacyStatement, events: readonly PrivacyEventInput[], unit: Unit): string[] {
  const gaussian = groupEvents(events).flatMap((event) =>
    event.kind === "laplace" || !("noiseMultiplier" in event) ? [] : [event],
  );
  const small = gaussian.find(({ noiseMultiplier }) => noiseMultiplier < 1);
  if (small === undefined || small.noiseMultiplier === 0) return [];
  const epsilon = gaussianEpsilon(sensitivity(small.adjacency) / small.noiseMultiplier, delta);
  const [length, whose] = unit === "clients" ? ["one clipped update", "client"] : ["one clipped gradient", "record"];
  return [
    `A noise multiplier of ${small.noiseMultiplier} is less noise than ${length} is long: a single round with a ${whose} in it has epsilon ${epsilon.toFixed(2)} for that ${whose}.`,
  ];
}
