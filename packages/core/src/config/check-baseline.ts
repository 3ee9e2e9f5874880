import { hidesLabels } from "../data/unlabelled.ts";
import { conflict } from "./check.ts";
import { show } from "./expectation.ts";
import type { Locate } from "./issues.ts";
import type { Config } from "./schema.ts";

/**
 * Refuses keys that mean nothing in a baseline, or that it would break: it has no method and no server to hide from, and
 * is never private. Throws `config/conflict`.
 */
export function checkBaseline(config: Config, locate: Locate): void {
  const { baseline, algorithm, parameters, privacy, secureAggregation } = config;
  const { schedule, aggregation, compression, devices, churn } = config;
  if (baseline === undefined) return;
  const refuse = (path: readonly string[], value: unknown, expected: string) => {
    const advice = `Remove the key, or make the baseline of a configuration with: anabranch ${baseline} FILE`;
    throw conflict(locate(path), `${show(value)}, with baseline = "${baseline}"`, expected, advice);
  };
  if (baseline === "public-only") requirePublicExamples(config, refuse);
  if (algorithm.file !== undefined) refuse(["algorithm", "file"], algorithm.file, 'algorithm.name = "fedavg"');
  if (algorithm.name !== "fedavg") refuse(["algorithm", "name"], algorithm.name, '"fedavg": baselines train by SGD');
  if (parameters.personal.length > 0)
    refuse(["parameters", "personal"], parameters.personal, "nothing: a baseline has no personal parameters");
  if (privacy.mechanism !== "none")
    refuse(["privacy", "mechanism"], privacy.mechanism, '"none": a baseline is not private');
  if (secureAggregation.protocol !== "none")
    refuse(["secureAggregation", "protocol"], secureAggregation.protocol, '"none": nothing is aggregated');
  if (schedule.name !== undefined && schedule.name !== "synchronous")
    refuse(["schedule", "name"], schedule.name, '"synchronous"');
  if (aggregation.rule !== undefined && aggregation.rule !== "mean")
    refuse(["aggregation", "rule"], aggregation.rule, '"mean"');
  if (aggregation.before !== undefined) refuse(["aggregation", "before"], aggregation.before, "nothing");
  if (aggregation.clipNorm > 0) refuse(["aggregation", "clipNorm"], aggregation.clipNorm, "0");
  if (compression.up.length > 0) refuse(["compression", "up"], compression.up, "nothing, as nothing is sent");
  if (compression.down.length > 0) refuse(["compression", "down"], compression.down, "nothing, as nothing is sent");
  if (churn.share > 0) refuse(["churn", "share"], churn.share, "0");
  if (devices.speed !== "none") refuse(["devices", "speed"], devices.speed, '"none"');
}

/** Public examples in a data set whose training labels are all known, in one task. */
function requirePublicExamples(
  { data, taskStream }: Config,
  refuse: (path: readonly string[], value: unknown, expected: string) => void,
): void {
  if (data.publicExamples === undefined) refuse(["data", "publicExamples"], undefined, "a number, e.g. 300");
  if (hidesLabels(data.unlabelled)) refuse(["data", "unlabelled"], "hidden labels", "none: public labels are known");
  if (taskStream.kind !== "none") refuse(["taskStream", "kind"], taskStream.kind, '"none"');
}
