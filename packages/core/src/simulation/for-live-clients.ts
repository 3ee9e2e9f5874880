import type { Payloads } from "../algorithms/algorithm.ts";
import { conflict } from "../config/check.ts";
import type { Config } from "../config/index.ts";
import { hidesLabels } from "../data/unlabelled.ts";
import type { PipelineSettings } from "../pipeline/index.ts";
import type { SecureAggregationSettings } from "../privacy/secure-aggregation-encoding/index.ts";
import type { PrivacyAccount } from "../round/run-plan.ts";
import type { PreparedRun } from "./prepare.ts";
import { describeMechanism } from "./private-run.ts";
import { describeSecureAggregation } from "./secure-aggregation.ts";

/**
 * The same run with what real clients need in place of what repeats a simulation: noise from the system's secure generator,
 * as noise from the seed would protect nobody who knows it, and integers that stay with the clients.
 *
 * @example
 * ```ts
 * import { forLiveClients } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * const privacy = { mechanism: "gaussian", noiseMultiplier: 1, delta: 0.1 } as const;
 * const { config, prepared } = smallRun({ name: "dp-fedavg" }, { privacy });
 * const { plan } = forLiveClients(prepared, config);
 * [prepared.plan, plan].map(({ stages }) => stages.privacy?.source.kind); // => ["seeded", "secure"]
 * ```
 */
export function forLiveClients(prepared: PreparedRun, config: Config): PreparedRun {
  requireServer(config);
  requireAnswers(config);
  requireRandomOrder(config);
  requirePlainLoss(prepared);
  requireOneTask(config);
  requireExamples(prepared);
  requireLabels(config);
  requireOneSide(prepared.plan.algorithm);
  requireModelThatTravels(prepared, config);
  requireConfiguredModel(prepared.plan.algorithm);
  requireAllAdapters(config);
  const { plan, simulation } = prepared;
  requireOneBroadcast(plan.algorithm.name, plan.payloads);
  const privacy = plan.stages.privacy && ({ ...plan.stages.privacy, source: { kind: "secure" } } as const);
  const summed = plan.stages.secureAggregation;
  const secureAggregation = summed && forLiveSums(summed);
  const stages: PipelineSettings = { ...plan.stages, privacy, secureAggregation };
  const description = {
    ...plan.description,
    ...(privacy && { privacy: describeMechanism(privacy, config) }),
    ...(secureAggregation && { secureAggregation: describeSecureAggregation(secureAggregation) }),
  };
  return {
    ...prepared,
    plan: { ...plan, stages, description, account: plan.account && forLiveAccount(plan.account, stages) },
    simulation: { ...simulation, task: { ...simulation.task, stages } },
  };
}

/** Live clients have a connection to their server alone. Throws `config/conflict`. */
function requireServer({ topology: { name } }: Config): void {
  if (name === "none") return;
  const advice = "Decentralised runs are simulated: start it with anabranch run, or remove [topology].";
  throw conflict("topology.name", `"${name}", in a live run`, '"none"', advice);
}

/** Live clients stop by themselves, and are picked by their server. Throws `config/conflict`. */
function requireAnswers({ churn: { share }, sampler, algorithm }: Config): void {
  if (share > 0) throw conflict("churn.share", `${share}, in a live run`, "0", "Churn is simulated: remove [churn].");
  if (sampler.name !== "hash") return;
  const advice = "Runs without a server are simulated: start it with anabranch run, or choose another method.";
  throw conflict(
    "algorithm.name",
    `"${algorithm.name}", in a live run`,
    'a method with a server, e.g. "fedavg"',
    advice,
  );
}

/** The description that live clients act by has no curriculum. Throws `config/conflict`. */
function requireRandomOrder({ training }: Config): void {
  const { order } = training.curriculum;
  const { rounds } = training.upSampling;
  if (rounds > 0) {
    const advice = "Up-sampling is simulated: start it with anabranch run, or remove training.upSampling.";
    throw conflict("training.upSampling.rounds", `${rounds}, in a live run`, "0", advice);
  }
  if (order === "none") return;
  const advice = "Curricula are simulated: start it with anabranch run, or remove training.curriculum.";
  throw conflict("training.curriculum.order", `"${order}", in a live run`, '"none"', advice);
}

/** The description that live clients act by has no statistics. Throws `config/conflict`. */
function requirePlainLoss({ training }: PreparedRun): void {
  const [statistic] = training.statistics ?? [];
  if (statistic === undefined) return;
  const advice = `What needs statistics of clients is simulated: start it with anabranch run, or remove ${statistic.key}.`;
  throw conflict(statistic.key, "set, in a live run", "nothing", advice);
}

/** Live clients have the data that they have. Throws `config/conflict`. */
function requireOneTask({ taskStream: { kind } }: Config): void {
  if (kind === "none") return;
  const advice = "Streams of tasks are simulated: start it with anabranch run, or remove [taskStream].";
  throw conflict("taskStream.kind", `"${kind}", in a live run`, '"none"', advice);
}

/** Live clients bring single examples. Throws `config/conflict`. */
function requireExamples({ model }: PreparedRun): void {
  if (model.graph === undefined) return;
  const advice =
    "Graphs are simulated: start it with anabranch run, or choose a model of single examples, such as mlp.";
  throw conflict("model.name", `"${model.name}", in a live run`, "a model of single examples", advice);
}

/** The description that live clients act by has no loss for hidden labels. Throws `config/conflict`. */
function requireLabels({ data: { unlabelled } }: Config): void {
  if (!hidesLabels(unlabelled)) return;
  const advice = "Hidden labels are simulated: start it with anabranch run, or remove data.unlabelled.";
  throw conflict("data.unlabelled", "hidden labels, in a live run", "none", advice);
}

/**
 * Live clients are sent the whole model in every round, the records of a log that they missed, or the coefficients of a pool
 * of directions from a start that they derive. Throws `config/conflict`.
 */
function requireModelThatTravels({ plan: { algorithm, payloads } }: PreparedRun, { model }: Config): void {
  if (payloads.replay === undefined && algorithm.messageTo === undefined) return;
  if (algorithm.keptAfter !== undefined) return;
  if (payloads.replay?.kind === "pool") {
    const weights = "initialWeights" in model ? model.initialWeights : undefined;
    if (weights === undefined) return;
    const advice = "Its clients derive the initial weights from a key: leave model.initialWeights out.";
    throw conflict("model.initialWeights", JSON.stringify(weights), "weights drawn from the seed", advice);
  }
  const advice =
    "Its messages depend on what each client keeps, which a live server does not see: start it with anabranch run.";
  throw conflict(
    "algorithm.name",
    `"${algorithm.name}", in a live run`,
    "a method that sends its model to all",
    advice,
  );
}

/** Live clients train by themselves between the broadcast and their update. Throws `config/conflict`. */
function requireOneSide({ name, splitTraining }: PreparedRun["plan"]["algorithm"]): void {
  if (splitTraining === undefined) return;
  const advice =
    "Its clients exchange four messages with the server for every batch, which only simulations count: start it with anabranch run.";
  throw conflict("algorithm.name", `"${name}", in a live run`, "a method whose clients have the whole model", advice);
}

/** The description that live clients act by has the configured model. Throws `config/conflict`. */
function requireConfiguredModel({ name, trains }: PreparedRun["plan"]["algorithm"]): void {
  if (trains === undefined) return;
  const advice = "Such models are simulated: start it with anabranch run, or choose another method, e.g. fedper.";
  throw conflict("algorithm.name", `"${name}", in a live run`, "a method that trains the configured model", advice);
}

/** What live clients are sent does not depend on scores. Throws `config/conflict`. */
function requireAllAdapters({ adapters: { select } }: Config): void {
  if (select === undefined) return;
  const advice = "Weights are selected in simulations: name them in adapters.targets, or start it with anabranch run.";
  throw conflict("adapters.select", `${select}, in a live run`, "nothing", advice);
}

/** A live server publishes the same for all. Throws `config/conflict`. */
function requireOneBroadcast(name: string, { own = [] }: Payloads): void {
  if (own.length === 0) return;
  const advice = "Such runs are simulated: start it with anabranch run, or choose another method, e.g. ditto.";
  const what = own.includes("parameters") ? "a model for each client" : `other ${own.join(" and ")} for each client`;
  throw conflict("algorithm.name", `"${name}", whose server has ${what}`, "one model for all", advice);
}

/** Integers stay with the clients, and noise is drawn there. Roundings are no secret. */
function forLiveSums(settings: SecureAggregationSettings): SecureAggregationSettings {
  const source = settings.encoding.kind === "noised" ? ({ kind: "secure" } as const) : settings.source;
  return { ...settings, integers: "kept", source };
}

/** What epsilon assumes where a server runs the protocol of clients that add their noise. */
function forLiveAccount(account: PrivacyAccount, { privacy }: PipelineSettings): PrivacyAccount {
  if (privacy?.noise !== "distributed") return account;
  return { ...account, assumptions: [...account.assumptions, ...LIVE_NOISE] };
}

const LIVE_NOISE = [
  "the server is honest but curious: it follows the protocol, makes up no clients and introduces them by their true keys",
  "clients that collude with the server, or add no noise, do not count among those whose noise is accounted for",
  "names, keys, times and participation of clients are public",
];
