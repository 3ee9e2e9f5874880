import type { Algorithm, Exchange } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import { isDiscrete } from "../config/check-privacy.ts";
import type { Config } from "../config/index.ts";
import { type DiscreteMechanism, discreteMechanism } from "../privacy/integers/index.ts";
import type { MechanismSettings } from "../privacy/mechanisms/index.ts";
import { levels, modulusBits } from "../privacy/secure-aggregation/quantization.ts";
import { moduloOf } from "../privacy/secure-aggregation/summation.ts";
import type { IntegerEncoding, SecureSumSettings } from "../privacy/secure-sum/index.ts";
import type { Federation } from "./federation.ts";

/**
 * How the updates of a configured simulation are summed under masks, undefined where they are not. Throws `config/conflict`
 * where what clients send cannot be, and `secure-aggregation/overflow` where sums do not fit.
 */
export function configuredSecureSum(
  config: Config,
  algorithm: Algorithm,
  exchange: Exchange,
  federation: Federation,
  mechanism: MechanismSettings | undefined,
): SecureSumSettings | undefined {
  const { protocol, threshold, corrupted, dropped } = config.secureAggregation;
  if (protocol === "none") return undefined;
  requireSummable(config, algorithm, exchange);
  const [vector, { layout, aggregation }] = Object.entries(exchange.up)[0]!;
  return {
    ...{ protocol, vector, size: layout.size, threshold, corrupted, dropped },
    aggregation: mechanism === undefined ? aggregation : "sum",
    encoding: encodingOf(config, federation, layout.size, mechanism),
    fewest: Math.max(2, mechanism?.minimumSurvivors ?? 2),
    source: { kind: "seeded", seed: config.seed },
  };
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
  const largest = config.aggregation.weighting === "uniform" ? 1 : (maxWeight ?? federation.mostExamples);
  const rule = { range, bits, maxWeight: largest, rounding: "stochastic" } as const;
  modulusBits(largestCohort(config, federation.clients), levels(rule));
  return { kind: "quantized", rule };
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
  if (!isDiscrete(mechanism) || protocol === "none") throw new TypeError("the noise is not of whole numbers");
  return discreteMechanism({
    distribution: mechanism,
    size,
    modulus: moduloOf(protocol, bits),
    noiseMultiplier,
    survivors: minimumSurvivors!,
    cohort: largestCohort(config, population),
  });
}

/** Poisson cohorts are larger with a chance below 1e-9 (ten standard deviations); sums of those are refused. */
function largestCohort({ sampler: { name, cohort } }: Config, population: number): number {
  return name === "uniform" ? cohort : Math.min(population, Math.ceil(cohort + 10 * Math.sqrt(cohort)));
}

/** Masks hide what single clients send: what is to be added must be one vector of one scale, whole and not encoded. */
function requireSummable(config: Config, { name }: Algorithm, exchange: Exchange): void {
  const refuse = (why: string, advice: string) => {
    throw conflict(
      "secureAggregation.protocol",
      `"${config.secureAggregation.protocol}", with algorithm.name = "${name}", ${why}`,
      "a method whose clients send one whole vector",
      advice,
    );
  };
  const sent = Object.keys(exchange.up);
  if (sent.length !== 1) {
    refuse(`whose clients send ${sent.join(", ")}`, "One range and one number of bits serve one vector.");
  }
  if (exchange.parts !== undefined) refuse("whose clients send parts", "Sums of parts would tell who sent which.");
  if (Object.values(exchange.up).some(({ codec }) => codec !== undefined)) {
    refuse("whose updates are encoded", "Factors of matrices cannot be added: switch the light upload off.");
  }
}

/** What is done, for people: the text of `run.started`. */
export function describeSecureSum({ protocol, encoding, fewest, source }: SecureSumSettings): string {
  const { kind } = encoding;
  const numbers =
    kind === "quantized"
      ? `values in [-${encoding.rule.range}, ${encoding.rule.range}] as ${encoding.rule.bits} bits`
      : `noised whole numbers modulo ${encoding.mechanism.modulus}`;
  const shown =
    protocol === "plain" ? "not hidden, as whole numbers in the open" : `hidden in sums of at least ${fewest}`;
  const keys = source.kind === "seeded" ? "; keys from the run's seed, which hides nothing outside a simulation" : "";
  return `${protocol}: updates ${shown}, ${numbers}${protocol === "plain" ? "" : keys}`;
}
