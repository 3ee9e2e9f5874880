import { leastQuorum, MOST_SHARES } from "./check-plan.ts";
import { refuse } from "./refusal.ts";

/** What a sparse graph is laid out for. */
export interface GraphDemand {
  readonly clients: number;
  /** Share of the cohort that may work with each other against the rest, [0, 1). */
  readonly corrupted: number;
  /** Share of the cohort that may drop out, [0, 1). */
  readonly dropped: number;
  /** The chance that privacy fails is at most 2^-privacyBits; default 40. */
  readonly privacyBits?: number;
  /** The chance that the round fails is at most 2^-correctnessBits; default 20. */
  readonly correctnessBits?: number;
}

export interface GraphChoice {
  readonly degree: number;
  readonly threshold: number;
}

/**
 * Threshold of the complete graph: more than 2/3 of the cohort, so that two sets of survivors cannot both get enough
 * answers even if a third of the clients answer twice (Bonawitz et al. 2017, active server).
 *
 * @example
 * ```ts
 * import { completeThreshold } from "@anabranch/core/secure-aggregation";
 * completeThreshold(10); // => 7
 * ```
 */
export function completeThreshold(clients: number): number {
  return Math.max(2, Math.floor((2 * clients) / 3) + 1);
}

/**
 * The smallest even degree k, and a threshold t, with which the graph of SecAgg+ does its work (conditions of Bell et
 * al. 2020, with the exact hypergeometric tails in place of their bounds). The k neighbours of a client are a
 * random sample of the others, so by the union bound over N clients
 *
 *     privacy:      N P[Hypergeometric(N - 1, corrupted N, k) >= t] <= 2^-privacyBits / 2
 *     connection:   N^2 / 2 P[Hypergeometric(N - 1, (corrupted + dropped) N, k) = k] <= 2^-privacyBits / 2
 *     correctness:  N P[Hypergeometric(N - 1, (1 - dropped) N, k) < t] <= 2^-correctnessBits
 *
 * The second: a Harary graph falls apart only if two runs of k / 2 neighbours in the ring are gone. Besides t is more
 * than half of k + 1, as `checkPlan` wants it. Of the thresholds that do, the largest is taken: it is the most private.
 * Where no sparse graph does, the complete graph is chosen; `parameters` is refused where that will not do either.
 *
 * @example
 * ```ts
 * import { chooseGraph } from "@anabranch/core/secure-aggregation";
 * const { degree, threshold } = chooseGraph({ clients: 100, corrupted: 0.1, dropped: 0.1 });
 * threshold < degree; // => true
 * ```
 */
export function chooseGraph(demand: GraphDemand): GraphChoice {
  const { clients, corrupted, dropped, privacyBits = 40, correctnessBits = 20 } = demand;
  const share = (value: number) => value >= 0 && value < 1;
  if (!(Number.isInteger(clients) && clients >= 2 && share(corrupted) && share(dropped) && corrupted + dropped < 1)) {
    refuse("parameters", "no graph can be laid out for this", {
      received: JSON.stringify(demand),
      expected: "at least 2 clients, shares of them in [0, 1) that add up to less than 1",
    });
  }
  const others = clients - 1;
  const bad = Math.min(others, Math.ceil(corrupted * clients));
  const live = Math.max(0, others - Math.ceil(dropped * clients));
  const gone = Math.min(others, Math.ceil((corrupted + dropped) * clients));
  for (let degree = 2; degree <= Math.min(others - 1, MOST_SHARES - 1); degree += 2) {
    const apart = 2 * Math.log2(clients) - 1 + logSum(others, gone, degree, degree, degree);
    if (apart > -privacyBits - 1) continue;
    for (let threshold = degree; threshold > (degree + 1) / 2; threshold--) {
      const exposed = Math.log2(clients) + logSum(others, bad, degree, threshold, degree);
      const stuck = Math.log2(clients) + logSum(others, live, degree, 0, threshold - 1);
      if (exposed <= -privacyBits - 1 && stuck <= -correctnessBits) return { degree, threshold };
    }
  }
  // in the complete graph nothing is left to chance: two sets of survivors must not both get enough answers if those who
  // are corrupted answer twice, and enough clients must be left
  const least = leastQuorum(clients, Math.ceil(corrupted * clients));
  const most = clients - Math.ceil(dropped * clients);
  if (clients > MOST_SHARES || least > most) {
    refuse("parameters", "no graph with at most 254 neighbours withstands so many corrupted and dropped clients", {
      received: JSON.stringify(demand),
      advice:
        "Assume fewer corrupted or dropped clients (shares are rounded up to whole ones), or choose another cohort.",
    });
  }
  return { degree: others, threshold: Math.min(most, Math.max(least, completeThreshold(clients))) };
}

/** log2 of P[low <= X <= high] for X hypergeometric: marked ones among `drawn` from `all` of which `marked` are. */
function logSum(all: number, marked: number, drawn: number, low: number, high: number): number {
  let sum = 0;
  for (let k = Math.max(low, drawn - (all - marked)); k <= Math.min(high, marked, drawn); k++) {
    sum += 2 ** (logChoose(marked, k) + logChoose(all - marked, drawn - k) - logChoose(all, drawn));
  }
  return Math.log2(sum);
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

const factorials = [0];

function logFactorial(n: number): number {
  for (let i = factorials.length; i <= n; i++) factorials.push(factorials[i - 1]! + Math.log2(i));
  return factorials[n]!;
}

/**
 * LightSecAgg's U and T for a cohort: T = N / 2 colluders, as in the experiments of So et al. 2022, and the smallest U with
 * 2 U > N + T, under which so many cannot have two sums of one round unmasked (`checkAgreement`).
 *
 * @example
 * ```ts
 * import { codedParameters } from "@anabranch/core/secure-aggregation";
 * codedParameters(10, 0.5); // => { threshold: 8, privacy: 5 }
 * ```
 */
export function codedParameters(clients: number, corrupted = 0.5): { threshold: number; privacy: number } {
  const privacy = Math.min(clients - 1, Math.max(1, Math.floor(corrupted * clients)));
  const threshold = Math.min(clients, leastQuorum(clients, privacy));
  return { threshold, privacy };
}
