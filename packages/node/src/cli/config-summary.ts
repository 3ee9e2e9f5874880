import { boundText, type Config, type EventOf, resolveConfig } from "@anabranch/core";
import { asynchronousText, formatPlural } from "../terminal/format.ts";

/** What a run says of itself that its configuration leaves open. */
type Chosen = Pick<Partial<EventOf<"run.started">>, "noiseMultiplier" | "asynchronous">;

/**
 * What a configuration asks for, as labels and short sentences.
 *
 * @param chosen what the run has chosen where the configuration leaves it open: its noise multiplier, and the clients and
 *   updates of asynchronous rounds
 */
export function configSummary(config: Config, { noiseMultiplier, asynchronous }: Chosen = {}): [string, string][] {
  const { data, model, algorithm, training, aggregation, privacy, stop } = config;
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
      `${data.file ?? data.dataset}, ${data.clients === 0 ? "one client per owner" : formatPlural(data.clients, "client")}, ${scheme}${optionList(partition)}${holdout}`,
    ],
    ["model", `${modelFile ?? modelName}${optionList(modelOptions)}`],
    ...parametersRow(config.parameters),
    config.baseline === undefined
      ? ["algorithm", `${algorithmFile ?? algorithmName}${optionList(algorithmOptions)}`]
      : ["baseline", BASELINES[config.baseline]],
    [
      "training",
      [budget, `batch ${training.batchSize}`, `learning rate ${training.learningRate}`, ...extras]
        .filter((t) => t !== "")
        .join(", "),
    ],
    ...sectionRows(config),
    ...(config.baseline === undefined ? [participants(config, asynchronous)] : []),
    ...ruleRow(aggregation),
    ...attackRow(config.attack),
    ...(privacy.mechanism === "none"
      ? []
      : [["privacy", privacyText(privacy, noiseMultiplier)] satisfies [string, string]]),
    ["rounds", [String(config.rounds), ...stops.filter((t) => t !== "").map((t) => `stops ${t}`)].join(", ")],
    ["seed", String(config.seed)],
  ];
}

/** A row for each section of options that is not at its defaults, with what it sets. */
function sectionRows(config: Config): [string, string][] {
  const usual = sections(resolveConfig({}));
  return Object.entries(sections(config)).flatMap(([name, options]): [string, string][] => {
    const unlike = Object.entries(options).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(usual[name]![key]),
    );
    return unlike.length === 0 ? [] : [[name, optionText(Object.fromEntries(unlike))]];
  });
}

function sections({ data, training, adapters, taskStream }: Config): Record<string, Readonly<Record<string, unknown>>> {
  const { loss, openWorld, curriculum, alignment, upSampling, calibration } = training;
  const ofTraining = { loss, openWorld, curriculum, alignment, upSampling, calibration };
  return {
    questions: data.questions,
    shift: data.shift,
    unlabelled: data.unlabelled,
    taskStream,
    ...ofTraining,
    adapters,
  };
}

/** Parameters that are not shared, where there are such. */
function parametersRow(parameters: Config["parameters"]): [string, string][] {
  const lists = (["personal", "frozen"] as const).flatMap((standing) => {
    const selectors = [parameters[standing]].flat();
    return selectors.length === 0 ? [] : [`${standing}: ${selectors.join(" ")}`];
  });
  return lists.length === 0 ? [] : [["parameters", lists.join(", ")]];
}

/** The rule that combines updates, where it is no plain mean. */
function ruleRow({ rule = "mean", before, weighting: _weighting, clipNorm: _clip, ...options }: Config["aggregation"]) {
  if (rule === "mean" && before === undefined) return [];
  const first = before === undefined ? "" : `, after ${before.join(", ")}`;
  return [["aggregation", `${rule}${optionList(options)}${first}`] satisfies [string, string]];
}

/** What simulated attackers do, where there are some. */
function attackRow({ name, attackers, ...options }: Config["attack"]): [string, string][] {
  if (name === "none") return [];
  const who = typeof attackers === "number" ? formatPlural(attackers, "attacker") : `clients ${attackers.join(", ")}`;
  return [["attack", `${name}${optionList(options)} by ${who}`]];
}

const BASELINES: Readonly<Record<NonNullable<Config["baseline"]>, string>> = {
  centralized: "centralized: one client has the examples of all, and trains by SGD",
  "local-only": "local-only: every client trains alone by SGD, in every round",
  "public-only": "public-only: one client has the labelled public examples, and trains by SGD",
};

/** Who trains, and how updates are combined. */
function participants({ sampler, aggregation, schedule }: Config, chosen: Chosen["asynchronous"]): [string, string] {
  const clip = aggregation.clipNorm === 0 ? "" : `, clipped at ${aggregation.clipNorm}`;
  const weights = `weighted by ${aggregation.weighting}${clip}`;
  if (chosen === undefined) return ["cohort", `${sampler.cohort} clients, ${sampler.name}; ${weights}`];
  const { staleness, stalenessRate, maxStaleness } = schedule;
  const most = maxStaleness === undefined ? "" : `, at most ${maxStaleness}`;
  const stale = staleness === "constant" ? `constant${most}` : `${staleness} (rate ${stalenessRate})${most}`;
  return ["clients", `${asynchronousText(chosen)}; ${weights}, staleness ${stale}`];
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
  const text = optionText(options);
  return text === "" ? "" : ` (${text})`;
}

function optionText(options: Readonly<Record<string, unknown>>): string {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}
