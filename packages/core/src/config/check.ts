import { AnabranchError } from "@anabranch/engine";
import { accountedSamplers, learningSamplers } from "../selection/names.ts";
import { show } from "./expectation.ts";
import { fieldAt } from "./fields.ts";
import type { Locate } from "./issues.ts";
import type { Config, ConfigInput } from "./schema.ts";

/** Refuses values that are allowed one by one but not together. Throws `config/conflict`. */
export function checkTogether(config: Config, locate: Locate): void {
  const { data, sampler, evaluation, stop } = config;
  checkOwners(config, locate);
  if (data.clients > 0 && sampler.cohort > data.clients) {
    throw conflict(
      locate(["sampler", "cohort"]),
      show(sampler.cohort),
      `at most data.clients = ${data.clients}`,
      "A cohort cannot exceed the population: lower sampler.cohort or raise data.clients.",
    );
  }
  checkSampler(config, locate);
  if (sampler.name !== "poisson" && sampler.name !== "random-allocation" && !Number.isInteger(sampler.cohort)) {
    throw conflict(
      locate(["sampler", "cohort"]),
      show(sampler.cohort),
      `an integer if sampler.name = "${sampler.name}"`,
      'Only the expected cohort of sampler.name = "poisson" may be fractional.',
    );
  }
  checkBlocks(config, locate);
  if (data.dataset === "synthetic" && data.file === undefined && data.holdout > 0) {
    throw conflict(
      locate(["data", "holdout"]),
      `${data.holdout}, with data.dataset = "synthetic"`,
      "0",
      "Synthetic clients have no hold-out split; the test set already follows the same distribution. Set data.holdout = 0.",
    );
  }
  const { classes, classesPerClient } = data.synthetic;
  if (classesPerClient !== undefined && classesPerClient > classes) {
    throw conflict(
      locate(["data", "synthetic", "classesPerClient"]),
      show(classesPerClient),
      `at most data.synthetic.classes = ${classes}`,
      "A client cannot have more classes than there are: lower classesPerClient or raise classes.",
    );
  }
  if (evaluation.clientEvery > 0 && data.holdout === 0) {
    throw conflict(
      locate(["evaluation", "clientEvery"]),
      `${evaluation.clientEvery}, with data.holdout = 0`,
      "clients with a hold-out",
      "Set data.holdout, e.g. to 0.2, or set evaluation.clientEvery = 0.",
    );
  }
  checkAdaptation(config, locate);
  checkWeights(config, locate);
  checkDevices(config, locate);
  const stopKey = stop.patience > 0 ? "patience" : stop.targetAccuracy === undefined ? undefined : "targetAccuracy";
  if (stopKey !== undefined && evaluation.every === 0) {
    throw conflict(
      locate(["stop", stopKey]),
      `${stop[stopKey]}, with evaluation.every = 0`,
      "at least one evaluation",
      "Set evaluation.every to at least 1.",
    );
  }
}

/** The global model is adapted for evaluations on hold-outs alone. */
function checkAdaptation({ evaluation }: Config, locate: Locate): void {
  if (evaluation.adaptEpochs !== undefined && evaluation.clientEvery === 0) {
    throw conflict(
      locate(["evaluation", "adaptEpochs"]),
      `${evaluation.adaptEpochs}, with evaluation.clientEvery = 0`,
      "evaluations on clients' hold-outs",
      "Set data.holdout, e.g. to 0.2, and evaluation.clientEvery, or remove evaluation.adaptEpochs.",
    );
  }
}

/** Refuses keys on how a file is read where none is named. */
function checkWeights({ model }: Config, locate: Locate): void {
  if (model.initialWeights !== undefined) return;
  for (const key of ["initialWeightsLayout", "initialWeightsMatch", "initialWeightsNames"] as const) {
    if (model[key] === undefined) continue;
    const advice = `Set model.initialWeights, or remove model.${key}.`;
    throw conflict(locate(["model", key]), `${show(model[key])}, without model.initialWeights`, "nothing", advice);
  }
}

/** No number of clients: only owners in the data say how many there are. */
function checkOwners({ data }: Config, locate: Locate): void {
  const { scheme, merge } = data.partition;
  if (data.clients > 0 || (scheme === "natural" && merge !== true && data.dataset !== "synthetic")) return;
  throw conflict(
    locate(["data", "clients"]),
    `0, with data.partition.scheme = "${scheme}"${merge === true ? " and merge = true" : ""}`,
    "a number of clients",
    'Set data.clients, e.g. to 100, or data.partition.scheme = "natural" for one client per owner.',
  );
}

/** Guarantees are proved for cohorts that are drawn without looking at the clients. */
function checkSampler(config: Config, locate: Locate): void {
  const { sampler, data, privacy, secureAggregation, devices } = config;
  const { name, cohort, rates } = sampler;
  if (rates !== undefined && (name !== "poisson" || privacy.mechanism !== "none")) {
    const isPrivate = name === "poisson";
    throw conflict(
      locate(["sampler", "rates"]),
      `${rates.length} rates, with ${isPrivate ? `privacy.mechanism = "${privacy.mechanism}"` : `sampler.name = "${name}"`}`,
      "none",
      isPrivate
        ? "Epsilon is computed for clients that all take part at the same rate: remove sampler.rates."
        : 'Only clients that join on their own have rates: remove sampler.rates, or set sampler.name = "poisson".',
    );
  }
  if (privacy.mechanism !== "none" && !accountedSamplers.includes(name)) {
    throw conflict(
      locate(["sampler", "name"]),
      `"${name}", with privacy.mechanism = "${privacy.mechanism}"`,
      '"uniform", "poisson" or "random-allocation"',
      learningSamplers.includes(name)
        ? "Its cohorts depend on the data of clients, which no epsilon covers."
        : "No epsilon is computed for its cohorts.",
    );
  }
  if (secureAggregation.protocol !== "none" && learningSamplers.includes(name)) {
    throw conflict(
      locate(["sampler", "name"]),
      `"${name}", with secureAggregation.protocol = "${secureAggregation.protocol}"`,
      '"uniform"',
      "It learns from the losses of single clients, which a secure sum hides.",
    );
  }
  checkUpdateSpeed(config, locate);
  if (name === "latency" && devices.speed === "none") {
    throw conflict(
      locate(["sampler", "name"]),
      '"latency", without [devices]',
      '"uniform"',
      'No client would be faster than another: set devices.speed, e.g. to "exponential".',
    );
  }
  if (name !== "full" || cohort === data.clients || data.clients === 0) return;
  throw conflict(
    locate(["sampler", "cohort"]),
    `${cohort}, with sampler.name = "full"`,
    `data.clients = ${data.clients}`,
    `All clients train in every round: set sampler.cohort = ${data.clients}.`,
  );
}

/** One sampler has a speed of updates, and seconds are those of simulated devices. */
function checkUpdateSpeed({ sampler: { name, updateSpeed }, devices }: Config, locate: Locate): void {
  if (updateSpeed === undefined) return;
  const where = locate(["sampler", "updateSpeed"]);
  if (name !== "hetero-select") {
    const advice = 'Remove it, or set sampler.name = "hetero-select".';
    throw conflict(where, `"${updateSpeed}", with sampler.name = "${name}"`, "nothing", advice);
  }
  if (updateSpeed === "staleness" || devices.speed !== "none") return;
  const advice = 'No client would be faster than another: set devices.speed, e.g. to "exponential".';
  throw conflict(where, '"seconds", without [devices]', '"staleness"', advice);
}

function checkDevices({ devices, schedule }: Config, locate: Locate): void {
  const { speed, times, trace } = devices;
  if (schedule.staleness === "half-life" && schedule.stalenessRate === 0) {
    throw conflict(
      locate(["schedule", "stalenessRate"]),
      '0, with schedule.staleness = "half-life"',
      "more than 0",
      "It is the staleness at which an update counts half: set it, e.g. to 20.",
    );
  }
  if ((speed === "trace") !== (trace !== undefined)) {
    throw conflict(
      locate(["devices", "trace"]),
      `${trace === undefined ? "nothing" : show(trace)}, with devices.speed = "${speed}"`,
      speed === "trace" ? "the path of a CSV file" : "nothing",
      speed === "trace"
        ? 'Name the file: trace = "devices.csv".'
        : 'Remove devices.trace, or set devices.speed = "trace".',
    );
  }
  if ((speed === "list") === times.length > 0) return;
  throw conflict(
    locate(["devices", "times"]),
    `${times.length} times, with devices.speed = "${speed}"`,
    speed === "list" ? "at least one" : "none",
    speed === "list"
      ? "Give seconds by client: times = [1, 5]."
      : 'Remove devices.times, or set devices.speed = "list".',
  );
}

function checkBlocks({ data, sampler }: Config, locate: Locate): void {
  if (data.clients === 0) return; // known with the data
  if (sampler.name !== "random-allocation" || allocationBlock(sampler.cohort, data.clients) !== undefined) return;
  const { clients } = data;
  const divisors = Array.from({ length: clients }, (_, i) => i + 1).filter((cohort) => clients % cohort === 0);
  const near = [
    divisors.findLast((cohort) => cohort < sampler.cohort),
    divisors.find((cohort) => cohort > sampler.cohort),
  ];
  throw conflict(
    locate(["sampler", "cohort"]),
    `${sampler.cohort}, with sampler.name = "random-allocation" and data.clients = ${data.clients}`,
    `data.clients divided by an integer, e.g. ${near.filter((cohort) => cohort !== undefined).join(" or ")}`,
    "Each client takes part once in every data.clients / cohort rounds, which has to be an integer.",
  );
}

/** Rounds of a block of random allocation, clients / cohort; undefined where that is no integer. */
export function allocationBlock(cohort: number, clients: number): number | undefined {
  const block = Math.round(clients / cohort);
  // the cohort may be a rounded fraction, as 10 clients in blocks of 3
  return block >= 1 && Math.abs(block * cohort - clients) <= 1e-9 * clients ? block : undefined;
}

/** Looks at what was written, as a checked configuration has a default for localEpochs. Throws `config/conflict`. */
export function checkBudget({ training }: ConfigInput, locate: Locate): void {
  if (training?.localSteps === undefined || training.localEpochs === undefined) return;
  throw conflict(
    locate(["training", "localSteps"]),
    `localSteps = ${training.localSteps} and localEpochs = ${training.localEpochs}`,
    "one of the two",
    "Remove one of them (on the command line: --set training.localEpochs=).",
  );
}

/**
 * Refuses keys beside one that switches their section off: whoever sets them believes that they count. `usual`: values of
 * keys without a default that a resolved configuration has all the same. Throws `config/conflict`.
 */
export function checkUnused(
  config: Config,
  [section, off]:
    | readonly ["privacy", "mechanism"]
    | readonly ["secureAggregation", "protocol"]
    | readonly ["topology", "name"]
    | readonly ["churn", "share"]
    | readonly ["taskStream", "kind"],
  usual: Readonly<Record<string, unknown>>,
  advice: string,
  locate: Locate,
): void {
  for (const [key, value] of Object.entries(config[section])) {
    if (key === off || value === undefined) continue;
    const expected = usual[key] ?? fieldAt([section, key])!.defaultValue;
    if (value === expected) continue;
    throw conflict(
      locate([section, key]),
      `${show(value)}, with ${section}.${off} = ${show(fieldAt([section, off])!.defaultValue)}`,
      expected === undefined ? "nothing" : show(expected),
      advice,
    );
  }
}

/** Two values that are allowed one by one but not together. */
export function conflict(where: string, received: string, expected: string, advice: string): AnabranchError {
  return new AnabranchError({
    code: "config/conflict",
    message: "conflicting configuration values",
    where,
    received,
    expected,
    advice,
  });
}
