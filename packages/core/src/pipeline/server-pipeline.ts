import { AnabranchError, type Failure } from "@anabranch/engine";
import type { RobustRule } from "../aggregation/robust/index.ts";
import type { Algorithm, Judge, Payloads, RoundContext, ServerState } from "../algorithms/algorithm.ts";
import type { PublicTrainer } from "../algorithms/public-training.ts";
import type { DiagnosticsSettings } from "../metrics/settings.ts";
import type { Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";
import type { SecureAggregationProtocol } from "../privacy/secure-aggregation/protocol.ts";
import type { Broadcast, InvalidUpdate, KeyRequest, ReceiveContext, Update } from "../protocol/index.ts";
import { applyServerStages, receiver } from "../protocol/stage.ts";
import { deriveKey, rootKey } from "../random/index.ts";
import type { Aggregator } from "./aggregator.ts";
import { AttackedAggregator, type UpdateAttack } from "./attacked-aggregator.ts";
import { type BroadcastMessages, broadcastMessages, REPLICA } from "./broadcast-compression.ts";
import { pipelineStages } from "./client-pipeline.ts";
import { disclosureOf } from "./disclosure.ts";
import { implausible } from "./plausible.ts";
import { requireTrainer, withAnswers } from "./questions.ts";
import { SecureAggregator } from "./secure-aggregator.ts";
import { SetAggregator } from "./set-aggregator.ts";
import type { PipelineSettings } from "./settings.ts";
import { StreamingAggregator } from "./streaming-aggregator.ts";
import type { ScratchStore } from "./update-arena.ts";
import { summedPayloads, uploadsOf } from "./uploads.ts";

/** What the server's side of a pipeline is made of. */
export interface ServerPipelineParts {
  readonly algorithm: Algorithm;
  readonly payloads: Payloads;
  readonly layout: Layout;
  readonly stages: PipelineSettings;
  readonly population: number;
  /** Local steps of every client where they are public. */
  readonly localSteps?: number | undefined;
  /** Of the randomness of stages: noise, rounding, rotation. */
  readonly stageSeed: number;
  readonly float: "float32" | "float64";
  /** A rule that sees every update, in place of a mean; absent: none. */
  readonly rule?: RobustRule | undefined;
  /** What simulated attackers do to their updates; absent: nothing. */
  readonly attack?: UpdateAttack | undefined;
  /** What is measured of the updates as they are added; absent: what the method wants. */
  readonly diagnostics?: DiagnosticsSettings | undefined;
}

/** A round whose updates were added. */
export interface FinishedRound {
  readonly round: number;
  readonly learningRate: number;
  /** The public scalars that went down. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** The server's side of the life of an update. */
export interface ServerPipeline {
  /** Random keys that clients need for their halves. */
  readonly keys: readonly KeyRequest[];
  readonly aggregator: Aggregator;
  /**
   * The server's state from which a round is broadcast: what the server trains before it. Throws `round/no-trainer` where the
   * method trains on public examples and nothing does that for it.
   */
  open(server: ServerState, round: number, ports?: ServerPorts): Promise<ServerState>;
  /** The public scalars that go down in a round. */
  publicScalars(server: ServerState, round: number, learningRate: number): Readonly<Record<string, number>>;
  /** The messages of a model version, and the server's state with what it keeps of them. */
  broadcast(server: ServerState, broadcast: Broadcast): SentBroadcast;
  /** An update that arrived as it is added to the others; or what is wrong with it. */
  receive(update: Update, context: ReceiveContext): Update | InvalidUpdate;
  /** Ends the adding; why nothing is released, undefined where something is. */
  close(server: ServerState, cohort: number): Promise<Failure | undefined>;
  /**
   * The server's state after a round: aggregate, server halves in reverse, server half of the method. Throws `round/no-judge`
   * where the method asks clients and nobody answers for them, and `round/no-trainer`.
   */
  update(server: ServerState, finished: FinishedRound, ports?: ServerPorts): Promise<ServerState>;
}

/** What answers and trains for the server half. */
export interface ServerPorts {
  readonly judge?: Judge | undefined;
  readonly trainer?: PublicTrainer | undefined;
}

/** What goes down in a round. */
export interface SentBroadcast extends Pick<BroadcastMessages, "whole" | "change"> {
  readonly server: ServerState;
}

/** What acts beside the plan. */
export interface PipelinePorts {
  readonly protocol?: SecureAggregationProtocol | undefined;
  /** Where updates go that do not fit in memory. */
  readonly scratch?: ScratchStore | undefined;
}

/** The vector of the server's state in which a rule keeps what it takes along. */
const RULE_MEMORY = "ruleMemory";
/** The same of simulated attackers. */
const ATTACK_MEMORY = "attackMemory";

/**
 * Throws `round/no-summation` where the settings ask for secure aggregation and no port does it.
 *
 * @example
 * ```ts
 * import { serverPipeline } from "@anabranch/core";
 * import { smallRun } from "@anabranch/core/conformance";
 * const privacy = { mechanism: "gaussian", noiseMultiplier: 1, clipNorm: 0.5, delta: 0.1 } as const;
 * const { plan } = smallRun({ name: "dp-fedavg" }, { privacy }).prepared;
 * const pipeline = serverPipeline(plan);
 * const server = plan.algorithm.init(plan.initial, plan.layout);
 * pipeline.publicScalars(server, 1, 0.1); // => { clipNorm: 0.5 }
 * ```
 */
export function serverPipeline(parts: ServerPipelineParts, ports: PipelinePorts = {}): ServerPipeline {
  const { algorithm, payloads, layout, stages: settings, float } = parts;
  const stages = pipelineStages({ ...uploadsOf(payloads, layout), stages: settings, float });
  const disclosure = disclosureOf(parts);
  const honest = aggregatorOf(parts, ports);
  const attacked = attackedBy(parts, honest);
  const aggregator = attacked ?? honest;
  const make = (length: number): Vector => (float === "float64" ? new Float64Array(length) : new Float32Array(length));
  const root = rootKey(parts.stageSeed);
  return {
    aggregator,
    keys: stages.flatMap(({ keys = [] }) => keys),
    publicScalars: disclosure.publicScalars,
    receive: plausibleOnly(parts, receiver(stages)),
    broadcast: (server, broadcast) => sentBroadcast(parts, server, broadcast),
    async close(server, cohort) {
      attacked?.recall(server.vectors[ATTACK_MEMORY]);
      return (
        (await aggregator.finish(server.vectors[RULE_MEMORY])) ??
        disclosure.whyNotReleased(aggregator.metrics.clients, cohort)
      );
    },
    async open(server, round, { trainer } = {}) {
      const { publicTraining } = algorithm;
      if (publicTraining === undefined) return server;
      const next = await publicTraining.open(withoutMemory(server), round, requireTrainer(algorithm, trainer));
      return { ...next, vectors: { ...server.vectors, ...next.vectors } };
    },
    async update(server, finished, { judge, trainer } = {}) {
      const { round, scalars } = finished;
      const participants = aggregator.cost?.survivors ?? aggregator.metrics.clients;
      const key = (...path: readonly (string | number)[]) => deriveKey(root, ...path);
      const sum = { vectors: aggregator.result(make), state: {} };
      const { vectors, state } = applyServerStages(stages, sum, { round, scalars, participants, key });
      const own = withoutMemory(server);
      const context = contextOf(parts, aggregator, finished);
      const given = await algorithm.publicTraining?.close(own, vectors, context, requireTrainer(algorithm, trainer));
      const next = algorithm.update(own, given ?? vectors, await withAnswers(algorithm, own, vectors, context, judge));
      const memories = { [RULE_MEMORY]: aggregator.memory, [ATTACK_MEMORY]: attacked?.attackMemory };
      const kept = { ...memories, ...replicaOf(server) };
      return { ...next, vectors: { ...next.vectors, ...defined(kept) }, scalars: { ...next.scalars, ...state } };
    },
  };

  function contextOf(
    plan: ServerPipelineParts,
    { metrics, cost, clients: whose, weights, losses }: Aggregator,
    about: FinishedRound,
  ): RoundContext {
    const known = disclosure.cohortSize(cost?.survivors);
    if (known !== undefined) return disclosure.publicContext(known, about);
    const { population } = plan;
    const { clients, localSteps, weightedSteps, meanFactor } = metrics;
    const { round, learningRate } = about;
    const steps = { localSteps, weightedSteps, meanFactor };
    const context = { round, cohortSize: clients, population, layout, learningRate, ...steps };
    if (whose === undefined) return context;
    return { ...context, clients: whose, upload: payloads.upload, ...defined({ weights, losses }) };
  }
}

function defined<T>(vectors: Readonly<Record<string, T | undefined>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(vectors).flatMap(([name, vector]) => (vector === undefined ? [] : [[name, vector]])),
  );
}

function sentBroadcast(
  { stages: { down }, payloads, stageSeed }: ServerPipelineParts,
  server: ServerState,
  broadcast: Broadcast,
): SentBroadcast {
  if (down === undefined) return { server, whole: broadcast };
  const key = deriveKey(rootKey(stageSeed), "broadcast", broadcast.round);
  const messages = broadcastMessages(down, payloads.broadcast, broadcast, replicaOf(server), key);
  return { ...messages, server: { ...server, vectors: { ...server.vectors, ...messages.memory } } };
}

/**
 * Checks values that arrive as plain numbers. A rule itself leaves out what is not finite and counts it as Byzantine; private
 * updates are checked with their norm, and hidden ones are integers.
 */
function plausibleOnly(
  { rule, stages, payloads }: ServerPipelineParts,
  receive: ServerPipeline["receive"],
): ServerPipeline["receive"] {
  if (rule !== undefined || stages.privacy !== undefined || stages.secureAggregation !== undefined) return receive;
  return (update, context) => {
    const received = receive(update, context);
    if ("code" in received) return received;
    return implausible(payloads, received, stages.compression === undefined) ?? received;
  };
}

/** The server's state as the method knows it. */
function withoutMemory(server: ServerState): ServerState {
  const { [RULE_MEMORY]: _rule, [ATTACK_MEMORY]: _attack, ...rest } = server.vectors;
  const own = Object.entries(rest).filter(([name]) => !name.startsWith(REPLICA));
  return { ...server, vectors: Object.fromEntries(own) as ServerState["vectors"] };
}

/** What clients have of the broadcasts, where it is kept. */
function replicaOf({ vectors }: ServerState): Readonly<Record<string, Vector>> {
  return Object.fromEntries(Object.entries(vectors).filter(([name]) => name.startsWith(REPLICA)));
}

function attackedBy(
  { attack, payloads, rule, stageSeed, stages: { clipNorm } }: ServerPipelineParts,
  honest: Aggregator,
): AttackedAggregator | undefined {
  if (attack === undefined) return undefined;
  return new AttackedAggregator(honest, {
    ...attack,
    payloads,
    rule,
    clipNorm,
    key: deriveKey(rootKey(stageSeed), "attack"),
  });
}

function aggregatorOf(
  { payloads, layout, stages, diagnostics, rule, float, stageSeed }: ServerPipelineParts,
  { protocol, scratch }: PipelinePorts,
): Aggregator {
  const { secureAggregation, privacy } = stages;
  if (rule !== undefined) {
    const key = deriveKey(rootKey(stageSeed), "aggregation");
    return new SetAggregator({ rule, payloads, layout, float, diagnostics, key, scratch });
  }
  if (secureAggregation === undefined)
    return new StreamingAggregator(summedPayloads(payloads, privacy), layout, diagnostics);
  if (protocol !== undefined) return new SecureAggregator(secureAggregation, protocol);
  throw new AnabranchError({
    code: "round/no-summation",
    message: "the plan requires secure aggregation, but no protocol is given",
    where: "ports.secureAggregation",
    received: "nothing",
    expected: `the protocol ${secureAggregation.protocol}`,
    advice: "Give what simulatedSecureAggregation(plan) returns.",
  });
}
