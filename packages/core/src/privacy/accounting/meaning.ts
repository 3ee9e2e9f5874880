import type { PrivacyContext, PrivacyStatement } from "./accountant.ts";
import { groupEvents, type PrivacyEventInput } from "./events.ts";
import { gaussianEpsilon, sensitivity } from "./gaussian.ts";

/** From this epsilon on, one client's part can practically be told from what is released. */
const WEAK = 10;

/**
 * What a statement means for a client (or a record), and what little noise does to it: whole sentences for people.
 *
 * @example
 * ```ts
 * import { explain, rdpAccountant } from "@anabranch/core";
 * const events = [{ kind: "gaussian", noiseMultiplier: 4 }] as const;
 * const [sentence] = explain(rdpAccountant().epsilon(events, 1e-5), events);
 * /at most \d+ % sure/.exec(sentence!)?.[0]; // => "at most 73 % sure"
 * ```
 */
export function explain(
  statement: PrivacyStatement,
  events: readonly PrivacyEventInput[],
  { unit = "clients" }: Pick<PrivacyContext, "unit"> = {},
): string[] {
  return [describeOdds(statement, events, unit), ...littleNoise(statement, events, unit)];
}

/** Releases of cohorts that are secret. */
const AMPLIFIED: ReadonlySet<string> = new Set(["poisson-gaussian", "fixed-size-gaussian", "allocated-gaussian"]);

type Unit = NonNullable<PrivacyContext["unit"]>;

const WHAT = {
  clients: {
    "replace-one": "about which of two data sets a client has",
    "add-or-remove": "that a client took part",
    "zero-out": "that the sums contain a client's updates rather than zeros",
  },
  records: {
    "replace-one": "about which of two records a client has",
    "add-or-remove": "that a client has a certain record",
    "zero-out": "that a client has a certain record rather than zeros",
  },
};

/**
 * Who gives even odds to two neighbouring populations can reach e^epsilon / (1 + e^epsilon) (P. Kairouz, S. Oh,
 * P. Viswanath, "The Composition Theorem for Differential Privacy", ICML 2015, arXiv:1311.0776, Section 2.1, at delta 0).
 */
function describeOdds(
  { epsilon, delta, adjacency }: PrivacyStatement,
  events: readonly PrivacyEventInput[],
  unit: Unit,
): string {
  if (epsilon === Number.POSITIVE_INFINITY) return "There is no guarantee: what is released may leak a client's data.";
  const what = WHAT[unit][adjacency];
  const sure = 100 / (1 + Math.exp(-epsilon));
  const digits = epsilon < 4 ? 0 : epsilon < 7 ? 1 : 2;
  const most = epsilon < WEAK ? `at most ${sure.toFixed(digits)} % sure` : "practically certain";
  const amplified = events.some(({ kind }) => AMPLIFIED.has(kind));
  const weak =
    epsilon < WEAK
      ? ""
      : ` This is weak privacy: add noise, or use fewer rounds${amplified ? " or fewer clients per round" : ""}.`;
  return `Someone who sees everything released and starts with a 50 % belief ${what} could become ${most} of the answer (except with probability ${delta}).${weak}`;
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
    `With noise multiplier ${small.noiseMultiplier} the noise is smaller than ${length}. A single round that includes a ${whose} has epsilon ${epsilon.toFixed(2)} for that ${whose}.`,
  ];
}
