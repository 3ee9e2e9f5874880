import type { Config } from "../config/index.ts";
import type { ClientReport } from "../live/client-report.ts";
import type { RunResult } from "../round/run-plan.ts";
import type { PreparedRun } from "../simulation/prepare.ts";
import { disturb } from "./disturbances.ts";
import { FaultSource, type Faults, HEALTHY } from "./fault-source.ts";
import { federationParts } from "./federation-parts.ts";
import { RunObserver } from "./run-observer.ts";
import { withSeededNoise } from "./seeded-noise.ts";
import { SimulatedClient } from "./simulated-client.ts";
import { SimulatedLog } from "./simulated-log.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { SimulatedOperator } from "./simulated-operator.ts";
import { SimulatedServer } from "./simulated-server.ts";
import type { SimulatedWorld } from "./simulated-world.ts";
import { VirtualTimers } from "./virtual-timers.ts";

/** Timers after which a run counts as one that never ends: some hundred times what a run takes. */
const MOST_TIMERS = 100_000;

/**
 * A live run with all its clients in one thread, over a simulated network and on virtual time. Everything that goes wrong
 * is drawn from the seed, so a seed that fails fails again.
 *
 * @example
 * ```ts
 * import { SimulatedFederation, simulateSmall, smallRun } from "@anabranch/core/conformance";
 * const { config, prepared, live } = smallRun({ name: "fedavg" }, { rounds: 1, sampler: { cohort: 4 } });
 * const served = await new SimulatedFederation(config, live, 1).run();
 * served.modelHash === (await simulateSmall(prepared)).modelHash; // => true
 * ```
 */
export class SimulatedFederation {
  readonly timers = new VirtualTimers();
  readonly source: FaultSource;
  readonly network: SimulatedNetwork;
  readonly observer: RunObserver;
  readonly log = new SimulatedLog();
  readonly crashes = { server: 0, client: 0 };
  /** Told what happens, to find out why a seed fails. */
  trace: (line: string) => void = () => {};
  /** Noise of clients comes from keys of the server, as in a simulation. Live clients draw it from their platform. */
  seededNoise = false;
  /** Whether a client crashes at once, before it does anything else. */
  crashNow: (client: number, report: ClientReport) => boolean = () => false;
  readonly #config: Config;
  readonly #prepared: PreparedRun;
  readonly #missing: Set<number>;
  #server: SimulatedServer | undefined;
  #result: RunResult | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** @param mostFaults after which nothing goes wrong any more */
  constructor(
    config: Config,
    prepared: PreparedRun,
    seed: number,
    faults: Faults = HEALTHY,
    mostFaults = Number.POSITIVE_INFINITY,
  ) {
    this.#config = config;
    this.#prepared = prepared;
    this.source = new FaultSource(seed, faults, mostFaults);
    this.network = new SimulatedNetwork(this.timers, this.source);
    const { stages, population, account, algorithm } = prepared.plan;
    const isRepeatable = stages.secureAggregation === undefined || account !== undefined;
    this.observer = new RunObserver(isRepeatable && algorithm.keptAfter === undefined);
    this.network.told = (client, message) => {
      this.trace(`to client ${client}: ${JSON.stringify(message).slice(0, 160)}`);
      this.observer.told(message);
    };
    this.network.wrong = (what) => this.observer.wrong(what);
    this.#missing = new Set(Array.from({ length: population }, (_, client) => client));
  }

  /** Runs to the end. Throws what the server or a client throws that no fault explains. */
  async run(): Promise<RunResult> {
    const world = await this.#world();
    const server = new SimulatedServer(world, (end) => {
      if ("error" in end) this.#failure ??= end;
      else this.#ended(end.result, server, clients, operator);
    });
    this.#server = server;
    const operator = new SimulatedOperator(world, server);
    const clients = [...this.#missing].map((client) => this.#client(world, client, server));
    server.start();
    for (const client of clients) client.start();
    this.#disturb(server, clients, operator);
    let timers = 0;
    await this.timers.run(() => {
      if (++timers > MOST_TIMERS) throw new Error(`the run has not ended after ${this.timers.now() / 1000} s`);
      return this.#failure !== undefined || (this.#result !== undefined && this.#missing.size === 0);
    });
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#result!;
  }

  /** Crashes the server now; it comes back within two seconds. */
  crashServer(): void {
    this.#server?.kill(0);
  }

  /** Entries of the stores of the server, once it was started. */
  kept(): ReturnType<SimulatedServer["kept"]> {
    return this.#server!.kept();
  }

  async #world(): Promise<SimulatedWorld> {
    const { timers, source, network, observer, log, crashes } = this;
    const parts = await federationParts(this.#config, this.#prepared);
    const trace = (line: string) => this.trace(line);
    const world = { prepared: this.#prepared, parts, timers, source, network, observer, log, crashes, trace };
    return this.seededNoise ? withSeededNoise(world) : world;
  }

  #client(world: SimulatedWorld, client: number, server: SimulatedServer): SimulatedClient {
    return new SimulatedClient(world, client, {
      isOver: () => this.#result !== undefined,
      reports: (event) => {
        if (event.type === "uploaded" && event.accepted) this.observer.uploaded(client, event.order, server.ledger!);
        return this.crashNow(client, event);
      },
      ended: (end) => {
        if ("error" in end) this.#failure ??= end;
        else this.#missing.delete(client);
      },
    });
  }

  #disturb(server: SimulatedServer, clients: readonly SimulatedClient[], operator: SimulatedOperator): void {
    const { source, network, timers } = this;
    const one = () => Math.floor(source.random() * clients.length);
    const ways = [["up"], ["down"], ["up", "down"]] as const;
    const way = () => ways[Math.floor(3 * source.random())]!;
    disturb(timers, source, {
      partition: { longest: 180_000, start: (ms) => network.partition(one(), way(), ms) },
      freezeClient: { longest: 3 * 3_600_000, start: (ms) => clients[one()]!.process?.freeze(ms) },
      freezeServer: { longest: 120_000, start: (ms) => server.process?.freeze(ms) },
      outage: { longest: 1_200_000, start: (ms) => server.kill(ms) },
      pause: { longest: 900_000, start: (ms) => operator.pause(ms) },
      eject: { longest: 300_000, start: (ms) => operator.eject(one(), ms) },
    });
  }

  /** The run is over. The network may still fail those that come to hear of it. */
  #ended(
    result: RunResult,
    server: SimulatedServer,
    clients: readonly SimulatedClient[],
    operator: SimulatedOperator,
  ): void {
    this.#result = result;
    this.source.spareProcesses();
    operator.end();
    for (const { process } of [server, ...clients]) process?.wake();
  }
}
