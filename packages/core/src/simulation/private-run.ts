import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { capabilitiesOf, requireCapable } from "../pipeline/index.ts";
import type { MechanismSettings } from "../privacy/mechanisms/index.ts";
import type { Warning } from "../round/backend.ts";
import type { PrivacyAccount } from "../round/run-plan.ts";
import type { Federation } from "./federation.ts";
import type { Start } from "./initial-weights.ts";
import { accountOf, type Released } from "./private-account.ts";
import { noiseMultiplierOf } from "./private-noise.ts";
import { requireRecords } from "./private-records.ts";
import type { ResolvedMethod } from "./resolve-method.ts";
import { privateTestRows } from "./test-rows.ts";

/**
 * The mechanism of a configured simulation, undefined where there is none. Throws `config/conflict` where the method
 * needs one, or cannot be private with what its clients send and keep.
 */
export function configuredMechanism(
  config: Config,
  { algorithm, payloads, model, start }: Pick<ResolvedMethod, "algorithm" | "payloads" | "model" | "start">,
  federation: Federation,
): MechanismSettings | undefined {
  const { privacy, sampler } = config;
  if (privacy.mechanism === "none") {
    if (algorithm.privacy === undefined) return undefined;
    throw conflict(
      "privacy.mechanism",
      `"none", with algorithm.name = "${algorithm.name}"`,
      '"gaussian"',
      "A private method without clip and noise would protect nobody: set privacy.mechanism, or take its plain form.",
    );
  }
  const method = capabilitiesOf(algorithm, payloads);
  requireCapable("privacy.mechanism", `"${privacy.mechanism}"`, method);
  if (privacy.targetQuantile !== undefined)
    requireCapable("privacy.targetQuantile", `${privacy.targetQuantile}`, method);
  const records = algorithm.privacy?.unit === "records";
  if (records) requireRecords(config, algorithm, model, federation);
  const { clipping, clipNorm, noise, minimumSurvivors, targetQuantile, clipLearningRate } = privacy;
  const noiseMultiplier = noiseMultiplierOf(config, releasedOf(algorithm, payloads, federation), start);
  const countNoise = privacy.countNoise ?? sampler.cohort / 20;
  return {
    clipping,
    clipNorm,
    distribution: privacy.mechanism,
    noise,
    noiseMultiplier,
    minimumSurvivors: minimumSurvivors ?? 1,
    ...(records ? { fewestRecords: federation.examplesHeld.fewest } : {}),
    denominator: sampler.cohort,
    source: { kind: "seeded" },
    ...(targetQuantile === undefined ? {} : { adaptive: { targetQuantile, rate: clipLearningRate, countNoise } }),
  };
}

/** The account of a private run with what it says of test metrics. Throws what `accountOf` and `privateTestRows` throw. */
export function privateAccount(
  config: Config,
  algorithm: Algorithm,
  payloads: Payloads,
  federation: Federation,
  { noiseMultiplier }: MechanismSettings,
  start?: Start,
): PrivacyAccount {
  const { testOnClients, assumptions, warnings } = privateTestRows(config, federation);
  const account = accountOf(config, releasedOf(algorithm, payloads, federation), noiseMultiplier, start);
  return {
    ...account,
    testOnClients,
    assumptions: [...account.assumptions, ...assumptions],
    warnings: [...account.warnings, ...warnings],
  };
}

/** What a round of a private run releases, as far as its noise must know. */
function releasedOf({ privacy }: Algorithm, { upload }: Payloads, federation: Federation): Released {
  const { clients, examplesHeld, hash } = federation;
  const records = privacy?.unit === "records" ? examplesHeld.total : undefined;
  return { population: clients, size: Object.values(upload)[0]!.layout.size, records, data: hash };
}

/** What the operator should know before the run. */
export function privacyWarnings(
  mechanism: MechanismSettings | undefined,
  config: Config,
  account: PrivacyAccount | undefined,
): readonly Warning[] {
  if (mechanism === undefined || account === undefined) return [];
  const warnings: Warning[] = [];
  const warn = (code: string, message: string) => warnings.push({ code: `privacy/${code}`, message });
  if (config.sampler.name === "uniform" && mechanism.noise === "central" && mechanism.fewestRecords === undefined) {
    warn(
      "fixed-size-sampling",
      'Cohorts have a fixed size, which costs a larger epsilon than sampler.name = "poisson", and is about replaced clients.',
    );
  }
  warnings.push(...account.warnings);
  if (config.data.holdout > 0 && config.evaluation.clientEvery > 0) {
    warn(
      "client-evaluation",
      "Accuracies on clients' hold-outs are not noised, and epsilon does not cover them: the events, metrics and report that have them are for the operator alone.",
    );
  }
  const { protocol } = config.secureAggregation;
  if (mechanism.noise === "distributed" && (protocol === "none" || protocol === "plain")) {
    warn(
      "sum-only",
      "Each client adds a share of the noise: only the sum is private, and this run shows the server more.",
    );
  }
  return warnings;
}

const NOISE = { gaussian: "Gaussian", "discrete-gaussian": "discrete Gaussian", skellam: "Skellam" };

/** What is done and assumed, for people: the text of `run.started`. */
export function describeMechanism(mechanism: MechanismSettings, config: Config): string {
  const {
    clipNorm,
    clipping,
    adaptive,
    distribution,
    noise,
    noiseMultiplier,
    minimumSurvivors,
    fewestRecords,
    source,
  } = mechanism;
  const bound = `${clipping} clip at ${clipNorm}${adaptive === undefined ? "" : `, following quantile ${adaptive.targetQuantile}`}`;
  const who = {
    central: "added by the server, which is trusted",
    distributed: `added in shares, whole with ${minimumSurvivors} clients`,
    local: "added by every client in full",
  }[noise];
  const from =
    source.kind === "seeded"
      ? "drawn from the run's seed, which makes a simulation repeatable but protects nobody"
      : "drawn from the system's secure random generator";
  const whom =
    fewestRecords === undefined ? "client-level" : `record-level, at least ${fewestRecords} records per client`;
  return `${whom}, ${bound}; ${NOISE[distribution]} noise of multiplier ${Number(noiseMultiplier.toPrecision(4))}, ${who}, ${from}; ${config.sampler.name} sampling`;
}
