import { boundText, type Config } from "@anabranch/core";
import { formatPlural } from "../terminal/format.ts";

/**
 * What a configuration asks for, as labels and short sentences.
 *
 * @param chosenNoise the noise multiplier that the run has chosen, where the configuration leaves it open
 */
export function configSummary(config: Config, chosenNoise?: number): [string, string][] {
  const { data, model, algorithm, training, sampler, aggregation, privacy, stop } = config;
  const { scheme, ...partition } = data.partition;
  const { name: modelName, file: modelFile, ...modelOptions } = model;
  const { name: algorithmName, file: algorithmFile, ...algorithmOptions } = algorithm;
  const budget =
    training.localSteps === undefined
      ? formatPlural(training.localEpochs, "local epoch")
      : formatPlural(training.localSteps, "local step");
  const extras = [
    training.schedule === "constant" ? "" : `${training.schedule} schedule`,
    training.momentum === 0 ? "" : `momentum ${training.momentum}`,
    training.weightDecay === 0 ? "" : `weight decay ${training.weightDecay}`,
    training.gradientClip === 0 ? "" : `gradients clipped at ${training.gradientClip}`,
  ];
  const stops = [
    stop.patience === 0 ? "" : `after ${formatPlural(stop.patience, "evaluation")} without gain`,
    stop.targetAccuracy === undefined ? "" : `at accuracy ${stop.targetAccuracy}`,
  ];
  const holdout = data.holdout === 0 ? "" : `, hold-out ${data.holdout}`;
  return [
    [
      "data",
      `${data.file ?? data.dataset}, ${formatPlural(data.clients, "client")}, ${scheme}${optionList(partition)}${holdout}`,
    ],
    ["model", `${modelFile ?? modelName}${optionList(modelOptions)}`],
    ["algorithm", `${algorithmFile ?? algorithmName}${optionList(algorithmOptions)}`],
    [
      "training",
      [budget, `batch ${training.batchSize}`, `learning rate ${training.learningRate}`, ...extras]
        .filter((t) => t !== "")
        .join(", "),
    ],
    [
      "cohort",
      `${sampler.cohort} clients, ${sampler.name}; weighted by ${aggregation.weighting}${aggregation.clipNorm === 0 ? "" : `, clipped at ${aggregation.clipNorm}`}`,
    ],
    ...ruleRow(aggregation),
    ...(privacy.mechanism === "none"
      ? []
      : [["privacy", privacyText(privacy, chosenNoise)] satisfies [string, string]]),
    ["rounds", [String(config.rounds), ...stops.filter((t) => t !== "").map((t) => `stops ${t}`)].join(", ")],
    ["seed", String(config.seed)],
  ];
}

/** The rule that combines updates, where it is no plain mean. */
function ruleRow({ rule = "mean", before, weighting: _weighting, clipNorm: _clip, ...options }: Config["aggregation"]) {
  if (rule === "mean" && before === undefined) return [];
  const first = before === undefined ? "" : `, after ${before.join(", ")}`;
  return [["aggregation", `${rule}${optionList(options)}${first}`] satisfies [string, string]];
}

function privacyText(privacy: Config["privacy"], chosenNoise: number | undefined): string {
  const { mechanism, clipNorm, noiseMultiplier, targetEpsilon, delta, noise, targetQuantile } = privacy;
  const followed = targetQuantile === undefined ? "" : `, following quantile ${targetQuantile}`;
  const chosen = chosenNoise === undefined ? "" : `${boundText(chosenNoise, 5)}, `;
  const amount = noiseMultiplier ?? (targetEpsilon === undefined ? 1 : `${chosen}chosen for the target`);
  const target = targetEpsilon === undefined ? "" : `, epsilon at most ${targetEpsilon} at delta ${delta}`;
  return `${mechanism}, ${noise} noise of multiplier ${amount}, clip norm ${clipNorm}${followed}${target}`;
}

/** " (alpha 0.1, recipe equal-size)"; nothing where there are no options. */
function optionList(options: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`;
}
