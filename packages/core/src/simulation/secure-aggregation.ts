import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { linearSize } from "../compression/index.ts";
import { conflict } from "../config/check.ts";
import { isDiscrete } from "../config/check-privacy.ts";
import type { Config } from "../config/index.ts";
import { capabilitiesOf, requireCapable, type UploadCompression } from "../pipeline/index.ts";
import { type DiscreteMechanism, discreteMechanism } from "../privacy/integers/index.ts";
import type { MechanismSettings } from "../privacy/mechanisms/index.ts";
import { checkRule, codedRule, planRule } from "../privacy/secure-aggregation/plan-rules.ts";
import { moduloOf } from "../privacy/secure-aggregation/protocol.ts";
import { modulusBits } from "../privacy/secure-aggregation/quantization.ts";
import {
  type IntegerEncoding,
  integerCount,
  integerRange,
  type SecureAggregationSettings,
} from "../privacy/secure-aggregation-encoding/index.ts";
import type { Federation } from "./federation.ts";

/**
 * How the updates of a configured simulation are summed under masks, undefined where they are not. Throws `config/conflict`
 * where what clients send cannot be, `secure-aggregation/overflow` where sums do not fit, and `secure-aggregation/plan` or
 * `secure-aggregation/parameters` where the protocol would refuse every round.
 */
export function configuredSecureAggregation(
  config: Config,
  algorithm: Algorithm,
  payloads: Payloads,
  federation: Federation,
  mechanism: MechanismSettings | undefined,
  compression?: UploadCompression | undefined,
): SecureAggregationSettings | undefined {
  const { protocol, threshold, corrupted, dropped } = config.secureAggregation;
  if (protocol === "none") return undefined;
  requireCapable("secureAggregation.protocol", `"${protocol}"`, capabilitiesOf(algorithm, payloads));
  const [vector, { layout, aggregation }] = Object.entries(payloads.upload)[0]!;
  const size = compression === undefined ? layout.size : linearSize(compression, layout);
  const settings: SecureAggregationSettings = {
    ...{ protocol, vector, size, threshold, corrupted, dropped },
    aggregation: mechanism === undefined && aggregation !== "each" ? aggregation : "sum",
    encoding: encodingOf(config, federation, size, mechanism),
    fewest: Math.max(2, mechanism?.minimumSurvivors ?? 2),
    integers: "uploaded",
    source: { kind: "seeded" },
  };
  requirePlan(config, settings, federation.clients);
  return settings;
}

/**
 * Clients without which there is no sum over a cohort. In a sparse graph it may take more: the neighbours of each client.
 *
 * @example
 * ```ts
 * import { clientsForSum } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * const secureAggregation = { protocol: "bonawitz", range: 1 } as const;
 * const { prepared } = smallRun({ name: "fedavg" }, { sampler: { cohort: 4 }, secureAggregation });
 * clientsForSum(prepared.plan.stages.secureAggregation!, 4); // => 3
 * ```
 */
export function clientsForSum(settings: SecureAggregationSettings, cohort: number): number {
  const { protocol, fewest } = settings;
  if (protocol === "plain") return fewest;
  const { threshold } = planRule(protocol, settings)({ clients: cohort, ...integerRange(settings) });
  return Math.max(fewest, threshold);
}

/** Refuses what every round would be refused for: a cohort of the expected size, or sums that do not fit. */
function requirePlan(config: Config, settings: SecureAggregationSettings, population: number): void {
  const { protocol, encoding } = settings;
  const integers = integerRange(settings);
  const clients = largestCohort(config, population);
  if (protocol === "lightsecagg") codedRule()({ clients, ...integers });
  else if (encoding.kind === "quantized") modulusBits(clients, integers.maximum);
  if (protocol === "plain") return;
  const expected = Math.round(config.sampler.cohort);
  checkRule(planRule(protocol, settings), { clients: expected, ...integers }, integerCount(settings));
}

function encodingOf(
  config: Config,
  federation: Federation,
  size: number,
  mechanism: MechanismSettings | undefined,
): IntegerEncoding {
  if (mechanism !== undefined) {
    return {
      kind: "noised",
      mechanism: configuredDiscrete(config, federation.clients, size, mechanism.noiseMultiplier),
    };
  }
  const { bits, range, maxWeight } = config.secureAggregation;
  if (maxWeight !== undefined && maxWeight < federation.examplesHeld.most) {
    throw conflict(
      "secureAggregation.maxWeight",
      `${maxWeight}, with a client of ${federation.examplesHeld.most} examples`,
      `at least ${federation.examplesHeld.most}`,
      "Clients with larger weights could never take part: raise secureAggregation.maxWeight, or leave it out.",
    );
  }
  const largest = config.aggregation.weighting === "uniform" ? 1 : (maxWeight ?? federation.examplesHeld.most);
  return { kind: "quantized", rule: { range, bits, maxWeight: largest, rounding: "stochastic" } };
}

/** The mechanism of a run with noise of whole numbers, for updates of `size` elements. Throws `privacy/modulus`. */
export function configuredDiscrete(
  config: Config,
  population: number,
  size: number,
  noiseMultiplier: number,
): DiscreteMechanism {
  const { privacy, secureAggregation } = config;
  const { mechanism, minimumSurvivors } = privacy;
  const { protocol, bits } = secureAggregation;
  if (!isDiscrete(mechanism) || protocol === "none") throw new TypeError("the noise is not integer noise");
  return discreteMechanism({
    distribution: mechanism,
    size,
    modulus: moduloOf(protocol, bits),
    noiseMultiplier,
    survivors: minimumSurvivors!,
    cohort: largestCohort(config, population),
  });
}

/**
 * Poisson cohorts are larger with a chance below 1e-9 (ten standard deviations). Sums of those may wrap around where they
 * are noised, which costs accuracy and no privacy, and end their round where they do not fit.
 */
function largestCohort({ sampler: { name, cohort } }: Config, population: number): number {
  return name === "uniform" ? cohort : Math.min(population, Math.ceil(cohort + 10 * Math.sqrt(cohort)));
}

/** What is done, for people: the text of `run.started`. */
export function describeSecureAggregation({ protocol, encoding, fewest, integers }: SecureAggregationSettings): string {
  const { kind } = encoding;
  const numbers =
    kind === "quantized"
      ? `values in [-${encoding.rule.range}, ${encoding.rule.range}] as ${encoding.rule.bits} bits`
      : `noised integers modulo ${encoding.mechanism.modulus}`;
  const shown = protocol === "plain" ? "not hidden, as plain integers" : `hidden in sums of at least ${fewest}`;
  const keys = integers === "uploaded" ? "; keys from the run's seed, which hides nothing outside a simulation" : "";
  return `${protocol}: updates ${shown}, ${numbers}${protocol === "plain" ? "" : keys}`;
}
