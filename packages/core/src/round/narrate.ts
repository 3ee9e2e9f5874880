import type { RuleReport } from "../aggregation/rule-report.ts";
import { weightValues } from "../params/statistics.ts";
import { distance } from "../params/vector.ts";
import type { Aggregator, AttackReport } from "../pipeline/index.ts";
import { VERSION } from "../version.ts";
import type { Warning } from "./backend.ts";
import { privacyAtStart, spentAfter } from "./budget.ts";
import type { RunState } from "./checkpoint-store.ts";
import type { EventOf } from "./events.ts";
import type { ClosedRound, Collected, FoldedUpdate, OpenRound, RoundWorld } from "./round-world.ts";
import type { RoundRecord, RunPlan, RunPorts } from "./run-plan.ts";

/** Time stamps are for people; they enter no hash and no decision. */
export function now(): string {
  return new Date().toISOString();
}

export async function warn(ports: Pick<RunPorts, "emit">, warnings: readonly Warning[] = []): Promise<void> {
  for (const warning of warnings) await ports.emit({ v: 1, type: "run.warning", at: now(), ...warning });
}

export async function announceStart(plan: RunPlan, ports: RunPorts, state: RunState): Promise<void> {
  await ports.emit({
    v: 1,
    type: "run.started",
    at: now(),
    run: plan.id,
    name: plan.name,
    algorithm: plan.algorithm.name,
    ...(plan.baseline === undefined ? {} : { baseline: plan.baseline }),
    ...countParameters(plan),
    clients: plan.population,
    rounds: plan.rounds,
    seed: plan.seed,
    packageVersion: VERSION,
    dataHash: plan.dataHash,
    ...plan.description,
    ...(plan.regression === undefined ? {} : { predicts: "numbers" as const }),
    ...asynchronous(plan),
    ...privacyAtStart(plan, state.round),
    ...(state.round > 0 ? { resumedFrom: state.round } : {}),
  });
  await warn(ports, plan.warnings);
}

/** Of the whole model, and how many of them do not travel. */
function countParameters({ layout, held }: RunPlan): Pick<EventOf<"run.started">, "parameters" | "heldParameters"> {
  if (held === undefined) return { parameters: layout.size };
  const { whole, personal, frozen } = held.split;
  return { parameters: whole.size, heldParameters: { personal: personal.size, frozen: frozen.size } };
}

function asynchronous({ schedule: { buffer, concurrency } }: RunPlan): Pick<EventOf<"run.started">, "asynchronous"> {
  return buffer === undefined || concurrency === undefined ? {} : { asynchronous: { buffer, concurrency } };
}

export async function announceRound({ plan, ports, state }: RoundWorld, opened: OpenRound): Promise<void> {
  const { round, learningRate } = opened;
  const training = [...state.work.orders.values()].map(({ order }) => order.client);
  const cohort = plan.schedule.settle === undefined ? [...opened.cohort] : training;
  await ports.emit({ v: 1, type: "round.started", at: now(), round, cohort, learningRate });
}

/** Milliseconds of `performance.now()`. */
interface RoundTimes {
  readonly started: number;
  readonly trained: number;
  readonly updated: number;
}

/** Announces what a round has come to, and returns its record. */
export async function announceRoundEnd(
  { plan, ports, state, pipeline: { aggregator } }: RoundWorld,
  { round, learningRate }: OpenRound,
  { foldMs, staleness, updates, flops, tasks: { cpuSeconds } }: Collected,
  { bytesDown, bytesUp, largestMessage, before, ...closed }: ClosedRound,
  { started, trained, updated }: RoundTimes,
): Promise<RoundRecord> {
  const { clients, examples, steps } = aggregator.metrics;
  const { loss, lossMin, lossMax } = aggregator.metrics.summary();
  const { drift } = aggregator.measured;
  const report = aggregator.report ?? closed.report;
  const seconds = (updated - started) / 1000;
  state.totals = { ...state.totals, seconds: state.totals.seconds + seconds };
  await ports.emit({
    v: 1,
    type: "round.finished",
    at: now(),
    round,
    loss,
    clients,
    ...(examples === undefined ? {} : { examples }),
    ...(steps === undefined ? {} : { steps }),
    bytesDown,
    bytesUp,
    largestMessage,
    seconds,
    trainSeconds: (trained - started - foldMs) / 1000,
    aggregateSeconds: (updated - trained + foldMs) / 1000,
    clientsPerSecond: clients / seconds,
    clientLossMin: lossMin,
    clientLossMax: lossMax,
    updateNorm: distance(weightValues(plan.layout, state.server.vectors.parameters), weightValues(plan.layout, before)),
    ...(flops === undefined ? {} : { flops }),
    ...(cpuSeconds === undefined ? {} : { cpuSeconds }),
    ...(Object.keys(drift).length > 0 ? { drift } : {}),
    ...(plan.durations === undefined ? {} : { simulatedSeconds: state.time / 1e6 }),
    ...(plan.schedule.settle === undefined ? {} : { staleness, updates: updates.map(asTuple) }),
    ...(report === undefined ? {} : { aggregation: reportOf(report) }),
    ...(aggregator.attackReport === undefined ? {} : { attack: attackOf(aggregator.attackReport) }),
    ...secureCost(aggregator),
    ...spentAfter(plan, round),
  });
  return { round, loss: loss ?? Number.NaN, learningRate, clients, seconds, bytesDown, bytesUp };
}

function asTuple({ client, version, visit }: FoldedUpdate): [number, number, number] {
  return [client, version, visit];
}

/** As events have it. */
function reportOf({
  rule,
  dropped,
  selected,
  trust,
  weights,
}: RuleReport): NonNullable<EventOf<"round.finished">["aggregation"]> {
  return {
    rule,
    ...(dropped.length === 0 ? {} : { dropped: [...dropped] }),
    ...(selected === undefined ? {} : { selected: [...selected] }),
    ...(trust === undefined ? {} : { trust: trust.map(([client, value]): [number, number] => [client, value]) }),
    ...(weights === undefined ? {} : { weights: [...weights] }),
  };
}

function attackOf({ clients, ...chosen }: AttackReport): NonNullable<EventOf<"round.finished">["attack"]> {
  return { clients: [...clients], ...chosen };
}

type SecureCost = NonNullable<EventOf<"round.finished">["secureAggregation"]>;

/** What secure aggregation has cost, as events tell it. */
function secureCost({ cost }: Aggregator): { readonly secureAggregation?: SecureCost } {
  if (cost === undefined) return {};
  const { protocol, survivors, serverMs, clientsMs, cut } = cost;
  const clients = clientsMs === undefined ? {} : { clientSeconds: clientsMs / 1000 };
  const seconds = { serverSeconds: serverMs / 1000, ...clients };
  return { secureAggregation: { protocol, survivors, ...seconds, ...(cut === undefined ? {} : { cut }) } };
}
