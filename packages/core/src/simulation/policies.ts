import { hashText } from "@anabranch/engine";
import type { Algorithm, Payloads } from "../algorithms/algorithm.ts";
import type { DeviceTrace, OrderDuration } from "../clock/index.ts";
import { type CompressionLink, writeLink } from "../compression/index.ts";
import { allocationBlock, conflict } from "../config/check.ts";
import { type Config, configHash } from "../config/index.ts";
import { visiblePart } from "../heterogeneity/index.ts";
import {
  capabilitiesOf,
  type DownCompression,
  type PipelineSettings,
  requireCapable,
  type UploadCompression,
} from "../pipeline/index.ts";
import type { RunPlan } from "../round/run-plan.ts";
import type { Schedule } from "../schedule/index.ts";
import { type Churn, noChurn } from "../selection/churn.ts";
import {
  easiestSampler,
  fullSampler,
  heteroSampler,
  latencySampler,
  oortSampler,
  roundRobinSampler,
} from "../selection/guided-samplers.ts";
import { hashSampler } from "../selection/hash-sampler.ts";
import {
  allocationSampler,
  participationRates,
  poissonSampler,
  type Sampler,
  uniformSampler,
} from "../selection/sampler.ts";
import { requireSampling } from "./check-sampling.ts";
import { configuredDurations } from "./client-times.ts";
import { describeCompression, describeDown } from "./compression.ts";
import { configuredChurn, nodeIds } from "./configured-churn.ts";
import { configuredRule, describeRule } from "./configured-rule.ts";
import { configuredSchedule, scheduleWarnings } from "./configured-schedule.ts";
import type { Federation } from "./federation.ts";
import { freshCohorts, freshSeed, startedHash } from "./initial-weights.ts";
import { blockOf } from "./private-account.ts";
import { configuredMechanism, describeMechanism, privacyWarnings, privateAccount } from "./private-run.ts";
import type { ResolvedMethod } from "./resolve-method.ts";
import { configuredSecureAggregation, describeSecureAggregation } from "./secure-aggregation.ts";

/** Part of the clients that "easiest-first" draws from at first, and part of the rounds after which it is all of them. */
const PACE = { b: 0.2, a: 0.8 } as const;

/** Who takes part, what acts on updates, and what that guarantees. */
export interface Policies {
  readonly configHash: string;
  readonly sampler: Sampler;
  readonly schedule: Schedule;
  readonly durations: OrderDuration | undefined;
  readonly churn: Churn | undefined;
  readonly compensation: number;
  readonly stages: PipelineSettings;
  readonly rule?: RunPlan["rule"];
  readonly rootClient?: RunPlan["rootClient"];
  readonly stageSeed: number;
  readonly account: RunPlan["account"];
  readonly warnings: RunPlan["warnings"];
  /** For people: the texts of `run.started`. */
  readonly texts: Pick<
    RunPlan["description"],
    "adapters" | "aggregation" | "privacy" | "secureAggregation" | "compression" | "codecs"
  >;
}

/** What a run brings beside its configuration. */
export interface PolicyParts {
  /** Speeds and availability of devices, from a file. */
  readonly trace?: DeviceTrace | undefined;
  readonly compression?: UploadCompression | undefined;
  readonly down?: DownCompression | undefined;
}

/** The policies of a configuration for its method. Throws `config/conflict` for what does not go together. */
export function resolvePolicies(
  config: Config,
  method: ResolvedMethod,
  federation: Federation,
  { trace, compression, down }: PolicyParts = {},
): Policies {
  const { algorithm, payloads, start, held } = method;
  const { training, aggregation, seed } = config;
  if (aggregation.clipNorm > 0) {
    requireCapable("aggregation.clipNorm", `${aggregation.clipNorm}`, capabilitiesOf(algorithm, payloads));
  }
  requireClients(config, algorithm, payloads, federation);
  const rule = configuredRule(config, method);
  const mechanism = configuredMechanism(config, method, federation);
  if (mechanism !== undefined) requireNoPersonalRecords(algorithm, held);
  const account = mechanism && privateAccount(config, algorithm, payloads, federation, mechanism, start);
  const secureAggregation = configuredSecureAggregation(
    config,
    algorithm,
    payloads,
    federation,
    mechanism,
    compression,
  );
  if (mechanism !== undefined || secureAggregation !== undefined) requirePublicSteps(algorithm, training);
  const churn = configuredChurn(config, federation.clients);
  const sampler = samplerOf(config, federation.clients, algorithm, churn);
  const durations = configuredDurations(config, trace, method.choices);
  // a private run that goes on from weights must draw neither the noise nor the cohorts that made them
  const origin = mechanism === undefined ? undefined : start;
  return {
    configHash: startedHash(tracedHash(configHash(config), trace), origin),
    sampler: freshCohorts(sampler, origin),
    schedule: configuredSchedule(config, algorithm, payloads, {
      population: federation.clients,
      durations,
      examples: () => examplesByClient(federation),
    }),
    ...{ durations, churn, account },
    compensation: config.schedule.compensation,
    stages: {
      weighting: aggregation.weighting,
      clipNorm: aggregation.clipNorm,
      privacy: mechanism,
      secureAggregation,
      compression,
      down,
    },
    ...(rule === undefined ? {} : { rule }),
    ...(rule?.name === "fltrust" ? { rootClient: federation.clients } : {}),
    stageSeed: freshSeed(seed, origin),
    warnings: [...privacyWarnings(mechanism, config, account), ...scheduleWarnings(config, algorithm)],
    texts: {
      ...(method.choices && { adapters: method.choices.text }),
      ...(rule === undefined ? {} : { aggregation: describeRule(rule) }),
      ...(mechanism === undefined ? {} : { privacy: describeMechanism(mechanism, config) }),
      ...describedUploads({ compression, down, secureAggregation }),
    },
  };
}

/** Personal parameters remember records without noise, and every later gradient depends on them. */
function requireNoPersonalRecords({ name, privacy }: Algorithm, held: ResolvedMethod["held"]): void {
  if (privacy?.unit !== "records" || held === undefined || held.split.personal.size === 0) return;
  throw conflict(
    "parameters.personal",
    `${held.split.personal.size} personal parameters, with algorithm.name = "${name}" and record-level privacy`,
    "nothing",
    'Gradients of shared parameters depend on personal ones, which have no noise. Use frozen ones, or algorithm.name = "dp-fedavg".',
  );
}

/** Refuses cohorts that the method or the data cannot have. */
function requireClients(config: Config, algorithm: Algorithm, payloads: Payloads, federation: Federation): void {
  const { cohort } = config.sampler;
  requireSampling(config, algorithm);
  requireSenders(algorithm, payloads, cohort);
  if (config.data.clients === 0) requireOwners(config, federation);
  requirePopulation(algorithm, cohort, federation.clients);
}

/** What is done with messages, for people. */
function describedUploads({
  compression,
  down,
  secureAggregation,
}: Pick<PipelineSettings, "compression" | "down" | "secureAggregation">): Policies["texts"] {
  const up = compression === undefined ? [] : [describeCompression(compression)];
  const texts = [...up, ...(down === undefined ? [] : [describeDown(down)])];
  return {
    ...(texts.length === 0 ? {} : { compression: texts.join("; "), codecs: codecTexts(compression, down) }),
    ...(secureAggregation === undefined ? {} : { secureAggregation: describeSecureAggregation(secureAggregation) }),
  };
}

function codecTexts(up: PipelineSettings["compression"], down: PipelineSettings["down"]) {
  const text = (links: readonly CompressionLink[]) => links.map((link) => writeLink(link)).join(" + ");
  return { ...(up && { up: text(up.up) }), ...(down && { down: text(down.operators) }) };
}

/** What a configuration without a number of clients could not be checked for. */
function requireOwners({ sampler: { name, cohort } }: Config, { clients }: Federation): void {
  if (cohort > clients) {
    throw conflict(
      "sampler.cohort",
      `${cohort}, with data of ${clients} owners`,
      `at most ${clients}`,
      `Every owner is a client: set sampler.cohort to ${clients} or less.`,
    );
  }
  if (name === "full" && cohort !== clients) {
    throw conflict(
      "sampler.cohort",
      `${cohort}, with sampler.name = "full" and data of ${clients} owners`,
      `${clients}`,
      `All clients train in every round: set sampler.cohort = ${clients}.`,
    );
  }
  if (name !== "random-allocation" || allocationBlock(cohort, clients) !== undefined) return;
  throw conflict(
    "sampler.cohort",
    `${cohort}, with sampler.name = "random-allocation" and data of ${clients} owners`,
    `${clients} divided by an integer`,
    "Each client takes part once in every clients / cohort rounds, which has to be an integer.",
  );
}

/** The identity of a configuration whose devices follow a trace has that trace in it. */
function tracedHash(hash: string, trace: DeviceTrace | undefined): string {
  return trace === undefined ? hash : hashText(`${hash} ${JSON.stringify(trace)}`);
}

/** Training examples of each client; all have as many where they are computed. */
function examplesByClient({ localExamples, clients, examplesHeld }: Federation): readonly number[] {
  return localExamples ?? Array.from({ length: clients }, () => examplesHeld.most);
}

function samplerOf(
  config: Config,
  population: number,
  { sampling }: Pick<Algorithm, "sampling">,
  churn: Churn | undefined,
): Sampler {
  const { sampler, rounds, seed } = config;
  const { name, cohort, rates } = sampler;
  switch (name) {
    case "hash":
      return hashSampler(nodeIds(seed, population), { ...sampling!, sampleSize: cohort }, churn ?? noChurn);
    case "poisson":
      if (rates !== undefined) requirePossibleRates(rates, population, cohort);
      return poissonSampler(population, cohort, rates);
    case "random-allocation":
      return allocationSampler(population, blockOf(cohort, population));
    case "round-robin":
      return roundRobinSampler(population, cohort);
    case "full":
      return fullSampler(population);
    case "oort":
      return oortSampler(population, cohort);
    case "hetero-select":
      return heteroSampler(population, cohort, rounds, sampler.updateSpeed);
    case "latency":
      return latencySampler(population, cohort);
    case "easiest-first":
      return easiestSampler(population, cohort, (round) =>
        visiblePart("linear", round - 1, { ...PACE, horizon: rounds }),
      );
    case "uniform":
      return uniformSampler(population, cohort);
  }
}

function requirePossibleRates(rates: readonly number[], population: number, cohort: number): void {
  const most = participationRates(population, cohort, rates).reduce((a, b) => Math.max(a, b), 0);
  if (most <= 1) return;
  throw conflict(
    "sampler.rates",
    `rates at which a client takes part with probability ${most.toFixed(2)}, with sampler.cohort = ${cohort}`,
    `sampler.cohort of at most ${Math.floor((100 * cohort) / most) / 100}`,
    "No client can take part more often than in every round: lower sampler.cohort, or choose rates closer together.",
  );
}

/** Where the server sees sums alone, the steps of single clients are none of its business. */
function requirePublicSteps({ name, countsSteps = false }: Algorithm, training: Config["training"]): void {
  if (!countsSteps || training.localSteps !== undefined) return;
  throw conflict(
    "training.localEpochs",
    `${training.localEpochs}, with algorithm.name = "${name}", under [privacy] or [secureAggregation]`,
    "training.localSteps instead",
    "The server computes with the number of local steps, which has to be public: the same for all clients.",
  );
}

/** Every part of the model should be sent in every round: with fewer clients some would rest on momentum alone. */
function requireSenders({ name, assign }: Algorithm, { parts }: Payloads, cohort: number): void {
  if (parts === undefined || assign !== undefined || parts.length <= cohort) return;
  throw conflict(
    "sampler.cohort",
    `${cohort}, with algorithm.name = "${name}", which cuts this model into ${parts.length} parts`,
    `at least ${parts.length}: a client for every part in every round`,
    `Raise sampler.cohort, or set algorithm.blocks = ${cohort} or less.`,
  );
}

/** A client that is left out of a cohort does not train, though the method counts on it. */
function requirePopulation({ name, wholePopulation = false }: Algorithm, cohort: number, clients: number): void {
  if (!wholePopulation || cohort === clients) return;
  throw conflict(
    "sampler.cohort",
    `${cohort}, with algorithm.name = "${name}", where all clients train in every round`,
    `data.clients = ${clients}`,
    `Set sampler.cohort = ${clients}: the method itself picks the clients that send.`,
  );
}
