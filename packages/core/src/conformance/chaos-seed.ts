import type { Config } from "../config/index.ts";
import type { RunResult } from "../round/run-plan.ts";
import type { PreparedRun } from "../simulation/prepare.ts";
import { drawFaults, type FaultName } from "./fault-source.ts";
import { replayed } from "./replayed-run.ts";
import { SimulatedFederation } from "./simulated-federation.ts";
import type { SimulatedLog } from "./simulated-log.ts";
import { simulateParticipants, simulateSmall } from "./small-live-run.ts";

/** A run that is tried under many seeds. */
export interface ChaosRun {
  readonly name: string;
  readonly config: Config;
  /** As it is simulated. */
  readonly prepared: PreparedRun;
  /** As it is served. */
  readonly live: PreparedRun;
}

/** What a seed has shown. */
export interface ChaosReport {
  /** What went wrong that must not; empty: nothing. */
  readonly violations: readonly string[];
  readonly faults: Readonly<Partial<Record<FaultName, number>>>;
}

/** Faults after which nothing goes wrong any more, so that the run can end. */
const MOST_FAULTS = 60;

/**
 * Runs a seed: its faults are of the kinds and rates that it draws, and when there were enough of them they stop. Checks
 * what `RunObserver` watches, and that
 *
 * - the run ends, and none of its processes throws what no fault explains
 * - no client misses a round without a fault that explains it
 * - its model is that of a simulation over the clients that were folded
 * - its log tells of every round once
 * - its stores keep no more than the newest rounds need
 *
 * @param trace hears what happens
 *
 * @example
 * ```ts
 * import { runChaosSeed, smallRun } from "@anabranch/core/conformance";
 * const run = { name: "fedavg", ...smallRun({ name: "fedavg" }, { rounds: 1 }) };
 * (await runChaosSeed(run, 3)).violations; // => []
 * ```
 */
export async function runChaosSeed(
  { name, config, prepared, live }: ChaosRun,
  seed: number,
  trace?: (line: string) => void,
): Promise<ChaosReport> {
  const federation = new SimulatedFederation(config, live, seed, drawFaults(seed, name), MOST_FAULTS);
  if (trace !== undefined)
    federation.trace = (line) => trace(`${(federation.timers.now() / 1000).toFixed(3)} s ${line}`);
  const { observer, log, source } = federation;
  let result: RunResult;
  try {
    result = await federation.run();
  } catch (error) {
    return { violations: [...observer.violations, String(error)], faults: source.counts };
  }
  const violations = [
    ...observer.violations,
    ...log.flaws(result.round, live.plan),
    ...unexplainedFailures(federation),
    ...(await storeFlaws(federation, live)),
  ];
  // the noise of a private live run is of no seed
  if (live.plan.account === undefined) violations.push(...(await modelFlaws(federation, prepared, result)));
  return { violations, faults: source.counts };
}

/** Faults that make a client miss a round, one of which must have happened. */
const EXPLANATIONS: Readonly<Record<string, readonly FaultName[]>> = {
  "client/late": ["freezeClient", "partition", "eject"],
  "client/absent": ["eject"],
  "live/ejected": ["eject"],
  "live/closed": ["freezeClient", "partition", "eject", "fail", "failAfter"],
  "simulated/store": ["fail", "failAfter"],
};

function unexplainedFailures({ log, source }: SimulatedFederation): string[] {
  return log.events.flatMap((event) => {
    if (event.type !== "client.failed") return [];
    const faults = EXPLANATIONS[event.code] ?? [];
    if (faults.some((fault) => (source.counts[fault] ?? 0) > 0)) return [];
    return [`client ${event.client} missed round ${event.round}: ${event.code}, ${event.message}`];
  });
}

async function modelFlaws(
  { observer, log }: SimulatedFederation,
  prepared: PreparedRun,
  result: RunResult,
): Promise<string[]> {
  const arrivals = log.events.flatMap((event) => (event.type === "round.finished" ? (event.updates ?? []) : []));
  if (arrivals.length > 0) return replayFlaws(log, prepared, result);
  const isSecure = prepared.plan.stages.secureAggregation !== undefined;
  const expected = await simulateParticipants(prepared, isSecure ? observer.survivors : observer.folded);
  // the simulation has no clients that send their metadata and drop out of the sum, so it may stop where they all do
  const compared = isSecure ? (["modelHash"] as const) : (["modelHash", "stopped", "round"] as const);
  return compared.flatMap((what) =>
    result[what] === expected[what] ? [] : [`${what} is ${result[what]}, not ${expected[what]}`],
  );
}

/** An asynchronous run is a replay of the updates that its log has of each round. */
async function replayFlaws(log: SimulatedLog, prepared: PreparedRun, result: RunResult): Promise<string[]> {
  const rounds = log.events.flatMap((event) => (event.type === "round.finished" ? [event.updates ?? []] : []));
  // a replay begins with work on the first model, which a round without updates does not wait for
  if (rounds.some(({ length }) => length === 0)) return [];
  const { modelHash } = await simulateSmall(replayed(prepared, rounds));
  return modelHash === result.modelHash ? [] : [`the model is ${result.modelHash}, and that of a replay ${modelHash}`];
}

async function storeFlaws(federation: SimulatedFederation, { plan }: PreparedRun): Promise<string[]> {
  const { orders, updates, blobs } = await federation.kept();
  const versions = plan.checkpointEvery * plan.checkpointKeep + 1;
  // asynchronous rounds leave orders of older versions open, one per client at most
  const open = plan.schedule.name === "synchronous" ? 0 : plan.population;
  const mostOrders = versions * plan.population + open;
  // what a process had just stored when it died
  const { server, client } = federation.crashes;
  // each client's message of a version is a blob of its own, and those of a server that died stay
  const own = plan.algorithm.keptAfter === undefined ? 0 : plan.population;
  const stray = 2 * (server + client) + own * server;
  const flaws: string[] = [];
  if (orders > mostOrders) flaws.push(`${orders} orders are kept, more than ${mostOrders}`);
  if (updates > mostOrders + stray) flaws.push(`${updates} updates are named, more than ${mostOrders + stray}`);
  if (blobs > updates + 1 + own + open + stray)
    flaws.push(`${blobs} blobs are kept for ${updates} updates, and ${stray} strays`);
  return flaws;
}
