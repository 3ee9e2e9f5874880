import { AnabranchError } from "@anabranch/engine";
import type { Config } from "../config/index.ts";
import type { ClientReport } from "../live/client-report.ts";
import { type LiveClientResult, runLiveClient } from "../live/live-client.ts";
import { liveSecureAggregation } from "../live/live-secure-aggregation.ts";
import { LiveServer } from "../live/live-server.ts";
import { MemoryLedgers } from "../live/memory-ledger.ts";
import type { KeptStates, Ledger, SecureRecords } from "../live/ports.ts";
import type { PipelineSettings } from "../pipeline/index.ts";
import type { SecureAggregationProtocol } from "../privacy/secure-aggregation/protocol.ts";
import { type BlobStore, memoryBlobStore } from "../round/blob-store.ts";
import { resumePoint } from "../round/checkpoint-store.ts";
import { runFederation } from "../round/run.ts";
import type { RunResult } from "../round/run-plan.ts";
import type { PreparedRun } from "../simulation/prepare.ts";
import { memoryRecords, memoryStates } from "./client-memory.ts";
import { disturb } from "./disturbances.ts";
import { FaultSource, type Faults, HEALTHY } from "./fault-source.ts";
import { faultyStore, isStoreFailure, tellsOfStore } from "./faulty-store.ts";
import { type FederationParts, federationParts } from "./federation-parts.ts";
import { quickIdentity } from "./quick-curves.ts";
import { RunObserver } from "./run-observer.ts";
import { SimulatedLog } from "./simulated-log.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { type ProcessWorld, SimulatedProcess } from "./simulated-process.ts";
import { VirtualTimers } from "./virtual-timers.ts";

const TOKEN = "join-token";
/** Milliseconds in which a process is started again. */
const RESTART_MS = 2000;
/** Milliseconds in which all stores have answered the operator. */
const EJECTED_MS = 40_000;
/** Timers after which a run counts as one that never ends: some hundred times what a run takes. */
const MOST_TIMERS = 100_000;

/** Of a client that was not there when the run ended. */
const MISSED: LiveClientResult = { stopped: "missed", round: 0, modelHash: undefined };

/**
 * A live run with all its clients in one thread, over a simulated network and on virtual time. Everything that goes wrong
 * is drawn from the seed, so a seed that fails fails again.
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
  readonly #ledgers = new MemoryLedgers();
  readonly #checkpoints = memoryBlobStore();
  readonly #blobs = memoryBlobStore();
  readonly #clients: SimulatedProcess[] = [];
  readonly #results: (LiveClientResult | undefined)[];
  #server: SimulatedProcess | undefined;
  #live: LiveServer | undefined;
  #ledger: Ledger | undefined;
  #outageMs = 0;
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
    const { stages, population, account } = prepared.plan;
    this.observer = new RunObserver(stages.secureAggregation === undefined || account !== undefined);
    this.network.told = (client, message) => {
      this.trace(`to client ${client}: ${JSON.stringify(message).slice(0, 160)}`);
      this.observer.told(message);
    };
    this.network.wrong = (what) => this.observer.wrong(what);
    this.#results = Array.from({ length: population }, () => undefined);
  }

  /** Runs to the end. Throws what the server or a client throws that no fault explains. */
  async run(): Promise<RunResult> {
    const parts = await federationParts(this.#config, this.#prepared);
    this.#startServer(parts);
    for (let client = 0; client < this.#results.length; client++)
      this.#startClient(parts, client, memoryStates(), memoryRecords());
    this.#disturb();
    let timers = 0;
    await this.timers.run(() => {
      if (++timers > MOST_TIMERS) throw new Error(`the run has not ended after ${this.timers.now() / 1000} s`);
      return this.#failure !== undefined || this.#isOver();
    });
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#result!;
  }

  /** Entries of the stores of the server. */
  async kept(): Promise<{ readonly orders: number; readonly updates: number; readonly blobs: number }> {
    const blobs = await this.#blobs.list("");
    return { ...this.#ledgers.sizeOf(this.#prepared.plan.id), blobs: blobs.length };
  }

  #isOver(): boolean {
    return this.#result !== undefined && this.#results.every((result) => result !== undefined);
  }

  #disturb(): void {
    const { source, network, timers } = this;
    const one = () => Math.floor(source.random() * this.#clients.length);
    const ways = [["up"], ["down"], ["up", "down"]] as const;
    disturb(timers, source, {
      partition: {
        longest: 180_000,
        start: (ms) => network.partition(one(), ways[Math.floor(3 * source.random())]!, ms),
      },
      freezeClient: { longest: 3 * 3_600_000, start: (ms) => this.#clients[one()]!.freeze(ms) },
      freezeServer: { longest: 120_000, start: (ms) => this.#server?.freeze(ms) },
      outage: { longest: 1_200_000, start: (ms) => this.#killServer(ms) },
      pause: {
        longest: 900_000,
        start: (ms) => {
          this.#live?.pause();
          timers.after(ms, () => this.#live?.resume());
        },
      },
      eject: { longest: 300_000, start: (ms) => this.#eject(one(), ms) },
    });
  }

  /** All is well from now on. */
  #calm(): void {
    this.source.calm();
    this.network.heal();
    this.#server?.wake();
    for (const client of this.#clients) client.wake();
    this.#live?.resume();
  }

  #killServer(outageMs: number): void {
    this.#outageMs = outageMs;
    this.#server?.crash("outage");
  }

  #eject(client: number, milliseconds: number): void {
    if (this.#result !== undefined) return;
    this.trace(`the operator ejects client ${client}`);
    this.#live?.eject(client).catch((error: unknown) => this.#expectStoreFailure(error));
    this.timers.after(EJECTED_MS + milliseconds, () => void this.#readmit(client));
  }

  /** The operator tries until it is done. */
  async #readmit(client: number): Promise<void> {
    if (this.#result !== undefined) return;
    this.#live?.readmit(client).catch((error: unknown) => this.#expectStoreFailure(error));
    await new Promise<void>((resolve) => void this.timers.after(EJECTED_MS, resolve));
    const rolls = [this.#live?.status().clients, await this.#ledger?.clients().catch(() => undefined)];
    const isDone = rolls.every((roll) => roll?.every((one) => one.client !== client || one.status === "enrolled"));
    if (!isDone) await this.#readmit(client);
  }

  #expectStoreFailure(error: unknown): void {
    if (!isStoreFailure(error)) this.observer.wrong(`the operator was answered by ${String(error)}`);
  }

  #worldOf(crashed: (where: string) => void): ProcessWorld {
    return { timers: this.timers, source: this.source, crashed };
  }

  #startServer(parts: FederationParts): void {
    const process = new SimulatedProcess(
      this.#worldOf((where) => {
        this.trace(`the server crashes: ${where}`);
        this.crashes.server += 1;
        this.network.crashServer();
        this.log.crash();
        this.#live = undefined;
        this.timers.after(RESTART_MS * this.source.random() + this.#outageMs, () => this.#startServer(parts));
        this.#outageMs = 0;
      }),
      "crashServer",
    );
    this.#server = process;
    this.#serve(parts, process).catch((error: unknown) => {
      // its operator starts it again
      if (isStoreFailure(error)) process.crash(`it ends: ${String(error)}`);
      else if (process.isAlive) this.#failure ??= { error };
    });
  }

  async #serve(parts: FederationParts, process: SimulatedProcess): Promise<void> {
    const { plan } = this.seededNoise ? withSeededNoise(this.#prepared) : this.#prepared;
    await this.#ledger?.close();
    const raw = await this.#ledgers.open(plan.id);
    this.#ledger = raw;
    const faulty = <T extends BlobStore | Ledger>(store: T) => faultyStore(store, process, this.source, this.timers);
    const blobs = faulty(this.#blobs);
    this.log.resume((await resumePoint(plan, this.#checkpoints))?.checkpoint.round ?? 0);
    const started = Promise.withResolvers<void>();
    const live = await LiveServer.open(
      {
        description: parts.description,
        minimumClients: plan.population,
        progressSeconds: 600,
        longestSeconds: 86_400,
        maxUpdateBytes: 2 ** 24,
        keptVersions: plan.checkpointEvery * plan.checkpointKeep,
        releasesOnce: plan.account !== undefined,
      },
      {
        ...{ ledger: faulty(this.observer.ledger(raw)), blobs, timers: process.timers, curves: parts.curves },
        randomBytes: (count) => Uint8Array.from({ length: count }, () => this.source.byte()),
        notice: (notice) => {
          this.trace(`server: ${JSON.stringify(notice)}`);
          if (notice.type === "error" && !tellsOfStore(notice.error)) this.observer.wrong(notice.error);
          process.point("notice");
          // the server notes who is there after it has said so
          queueMicrotask(() => this.#live?.state !== "waiting" && started.resolve());
        },
      },
    );
    await live.acceptToken(TOKEN);
    this.#live = live;
    this.network.server = { live, blobs, process };
    await started.promise;
    const result = await runFederation(plan, {
      backend: this.observer.backend(live.backend, raw),
      evaluator: { ...parts.evaluator, evaluateClients: (parameters) => live.evaluateClients(parameters) },
      clientStates: live.clientStates,
      secureAggregation: this.#secureAggregation(live, parts),
      checkpoints: this.#checkpointsOf(process),
      emit: (event) => {
        this.trace(`event: ${JSON.stringify(event).slice(0, 160)}`);
        this.log.append(event);
        return process.point("event") ? undefined : new Promise(() => {});
      },
    });
    this.#result = result;
    this.source.spareProcesses();
    this.#calm();
    const { round, stopped, modelHash } = result;
    live.finish({ round, stopped, modelHash });
  }

  #checkpointsOf(process: SimulatedProcess): BlobStore {
    const raw = this.#checkpoints;
    const store = faultyStore(raw, process, this.source, this.timers);
    return {
      get: (name) => store.get(name),
      list: (prefix) => store.list(prefix),
      delete: (name) => store.delete(name),
      put: async (name, bytes) => {
        this.log.flush();
        const isFirst = (await raw.list("checkpoints/round")).length === 0;
        if (isFirst || !name.includes("round") || !this.source.happens("tear")) return store.put(name, bytes);
        await raw.put(name, bytes.subarray(0, bytes.length / 2));
        process.crash("it wrote half a checkpoint");
        return new Promise(() => {});
      },
    };
  }

  #secureAggregation(live: LiveServer, { curves }: FederationParts): SecureAggregationProtocol | undefined {
    const { id, stages } = this.#prepared.plan;
    if (stages.secureAggregation === undefined) return undefined;
    const { courier } = live;
    const protocol = liveSecureAggregation(stages.secureAggregation, {
      ...{ run: id, courier, enrolled: live.enrolled, curves, clock: () => this.timers.now() },
      refused: (round, refusal) => this.trace(`round ${round}: refused ${JSON.stringify(refusal)}`),
    });
    return this.observer.secureAggregation(protocol);
  }

  #openTask({ openTask }: FederationParts): FederationParts["openTask"] {
    if (!this.seededNoise) return openTask;
    return (...given) => {
      const { task, evaluation } = openTask(...given);
      return { task: { ...task, stages: seeded(task.stages) }, evaluation };
    };
  }

  /** Crashes the server now; it comes back within two seconds. */
  crashServer(): void {
    this.#server?.crash("it was to");
  }

  #startClient(parts: FederationParts, client: number, states: KeptStates, records: SecureRecords): void {
    const { source, timers } = this;
    const again = (milliseconds: number) =>
      timers.after(milliseconds, () => this.#startClient(parts, client, states, records));
    const process = new SimulatedProcess(
      this.#worldOf((where) => {
        this.trace(`client ${client} crashes: ${where}`);
        this.crashes.client += 1;
        again(RESTART_MS * source.random());
      }),
      "crashClient",
    );
    this.#clients[client] = process;
    runLiveClient({
      ...{ run: this.#prepared.plan.id, token: TOKEN, client, giveUpAfterSeconds: 3600 },
      ...{ curves: parts.curves, executor: parts.executor, openTask: this.#openTask(parts), timers: process.timers },
      transport: this.network.transport(client, process),
      identity: quickIdentity(parts.curves, client),
      states: faultyStore(states, process, source, timers),
      records: faultyStore(records, process, source, timers),
      random: () => source.random(),
      data: async () => parts.examplesOf(client),
      report: (event) => {
        if (event.type !== "joined") this.trace(`client ${client}: ${JSON.stringify(event)}`);
        if (event.type === "uploaded" && event.accepted) this.observer.uploaded(client, event.order, this.#ledger!);
        if (this.crashNow(client, event)) process.crash("it was to");
        else process.point(event.type);
      },
    }).then(
      (result) => {
        if (process.isAlive) this.#results[client] = result;
      },
      (error: unknown) => {
        if (!process.isAlive) return;
        process.end();
        // whoever started the client starts it again
        if (this.#result !== undefined && isEjected(error)) this.#results[client] = MISSED;
        else if (mayTryAgain(error)) again(5 * RESTART_MS);
        else this.#failure ??= { error };
      },
    );
  }
}

function withSeededNoise({ plan, ...prepared }: PreparedRun): PreparedRun {
  return { ...prepared, plan: { ...plan, stages: seeded(plan.stages) } };
}

function seeded({ secureAggregation, ...stages }: PipelineSettings): PipelineSettings {
  return { ...stages, secureAggregation: secureAggregation && { ...secureAggregation, source: { kind: "seeded" } } };
}

function isEjected(error: unknown): boolean {
  return error instanceof AnabranchError && error.code === "live/ejected";
}

function mayTryAgain(error: unknown): boolean {
  const isUnreachable = error instanceof AnabranchError && error.code === "live/unreachable";
  return isUnreachable || isStoreFailure(error) || isEjected(error);
}
