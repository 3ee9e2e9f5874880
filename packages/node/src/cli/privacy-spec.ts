import { AnabranchError, occurring, type PrivacyContext, type PrivacyEventInput } from "@anabranch/core";

export const samplings = ["poisson", "fixed-size", "random-allocation"] as const;
export type Sampling = (typeof samplings)[number];

/** How clients come into rounds, as the command line says it. */
export interface RoundOptions {
  readonly samplingRate?: number;
  readonly population?: number;
  readonly cohort?: number;
  readonly sampling: Sampling;
  readonly protects: "clients" | "records";
  readonly noise: "central" | "distributed" | "local";
}

/** Rounds that are all alike. */
export interface PrivacySpec {
  readonly samplingRate: number;
  readonly population: number | null;
  readonly cohort: number | null;
  /** "none": whatever it is, it amplifies nothing. */
  readonly sampling: Sampling | "none";
  readonly context: PrivacyContext;
  /** What is released in a number of rounds (nothing in none). */
  events(noiseMultiplier: number, rounds: number): PrivacyEventInput[];
}

/** The plan behind the options; throws `usage/missing-option` or `usage/conflict` where they say too little or too much. */
export function privacySpec({
  samplingRate,
  population,
  cohort,
  sampling,
  protects,
  noise,
}: RoundOptions): PrivacySpec {
  if (samplingRate !== undefined && cohort !== undefined) {
    throw usage("usage/conflict", "--sampling-rate and --cohort exclude each other", "one of them");
  }
  if (population !== undefined && cohort !== undefined && cohort > population) {
    throw usage("usage/conflict", "the cohort is larger than the population", "a cohort of at most the population");
  }
  if (samplingRate !== undefined && !(samplingRate >= 0 && samplingRate <= 1)) {
    throw usage("usage/invalid-value", `--sampling-rate ${samplingRate} is not a probability`, "a number from 0 to 1");
  }
  const context = { ...(population === undefined ? {} : { population }), unit: protects, noise };
  if (protects === "records" || noise !== "central") {
    // sampled clients do not hide a record, nor does sampling hide a client from whom its message reaches
    const adjacency = protects === "records" || noise === "local" ? "replace-one" : "zero-out";
    const all = {
      population: population ?? null,
      cohort: cohort ?? null,
      samplingRate: 1,
      sampling: "none",
      context,
    } as const;
    return { ...all, events: eventsOf({ kind: "gaussian", adjacency }) };
  }
  const shared = { population: population ?? null, cohort: cohort ?? null, sampling, context };
  if (population !== undefined && cohort !== undefined) {
    if (sampling === "fixed-size") {
      const one = { kind: "fixed-size-gaussian", population, cohort } as const;
      return { ...shared, samplingRate: cohort / population, events: eventsOf(one) };
    }
    return sampled(cohort / population);
  }
  if (sampling === "fixed-size") {
    throw usage(
      "usage/missing-option",
      "fixed-size sampling needs the size of the cohort",
      "--population and --cohort",
    );
  }
  if (samplingRate !== undefined) return sampled(samplingRate);
  throw usage("usage/missing-option", "no sampling scheme given", "--sampling-rate, or --population and --cohort");

  function sampled(rate: number): PrivacySpec {
    const one =
      sampling === "random-allocation"
        ? ({ kind: "allocated-gaussian", block: blockOf(rate) } as const)
        : ({ kind: "poisson-gaussian", samplingRate: rate } as const);
    return { ...shared, samplingRate: rate, events: eventsOf(one) };
  }
}

/** Rounds in which each client takes part once. */
function blockOf(rate: number): number {
  const block = Math.round(1 / rate);
  if (Math.abs(block * rate - 1) <= 1e-9) return block;
  throw usage(
    "usage/conflict",
    `with --sampling random-allocation each client takes part once in every 1 / ${rate} rounds, which has to be an integer`,
    "a population that the cohort divides, or a sampling rate such as 0.04",
  );
}

type Round =
  | { readonly kind: "gaussian"; readonly adjacency: "zero-out" | "replace-one" }
  | { readonly kind: "poisson-gaussian"; readonly samplingRate: number }
  | { readonly kind: "allocated-gaussian"; readonly block: number }
  | { readonly kind: "fixed-size-gaussian"; readonly population: number; readonly cohort: number };

function eventsOf(round: Round): PrivacySpec["events"] {
  return (noiseMultiplier, rounds) => (rounds === 0 ? [] : [occurring({ ...round, noiseMultiplier }, rounds)]);
}

function usage(code: string, message: string, expected: string): AnabranchError {
  return new AnabranchError({ code, message, expected, advice: "See: anabranch privacy epsilon --help" });
}
