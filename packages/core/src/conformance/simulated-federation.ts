import { interpreter } from "@anabranch/engine";
import { ed25519 } from "@noble/curves/ed25519.js";
import { openDataSource } from "../client/data-source.ts";
import type { Config } from "../config/index.ts";
import { toBase64 } from "../live/base64.ts";
import type { ClientReport, LocalExamples } from "../live/client-report.ts";
import { type LiveClientResult, runLiveClient } from "../live/live-client.ts";
import { liveSecureAggregation } from "../live/live-secure-aggregation.ts";
import { LiveServer } from "../live/live-server.ts";
import { MemoryLedgers } from "../live/memory-ledger.ts";
import type { ClientIdentity, KeptStates, Ledger, SecureRecords } from "../live/ports.ts";
import type { SecureRecord } from "../live/secure-record.ts";
import { describeTask } from "../live/task-description.ts";
import { portableCurves } from "../privacy/secure-aggregation/curves.ts";
import type { SecureAggregationProtocol } from "../privacy/secure-aggregation/protocol.ts";
import { deriveKey, type RandomStream, randomStream, rootKey } from "../random/index.ts";
import { type BlobStore, memoryBlobStore } from "../round/blob-store.ts";
import type { ClientVectors } from "../round/client-state.ts";
import type { RunEvent } from "../round/events.ts";
import { runFederation } from "../round/run.ts";
import type { RunResult } from "../round/run-plan.ts";
import { inProcessSimulation } from "../simulation/in-process.ts";
import type { PreparedRun } from "../simulation/prepare.ts";
import { type Faults, NO_FAULTS, SimulatedNetwork } from "./simulated-network.ts";
import { VirtualTimers } from "./virtual-timers.ts";

export interface FederationFaults extends Faults {
  /** Probability that the server crashes at a write to one of its stores. */
  readonly crashServer: number;
  /** Probability that a client crashes when it keeps a state or reports. */
  readonly crashClient: number;
}

export const HEALTHY: FederationFaults = { ...NO_FAULTS, crashServer: 0, crashClient: 0 };

const TOKEN = "join-token";

/**
 * A live run with all its clients in one thread, over a simulated network and on virtual time. Everything that goes wrong
 * is drawn from the seed, so a seed that fails fails again.
 */
export class SimulatedFederation {
  readonly timers = new VirtualTimers();
  readonly network: SimulatedNetwork;
  readonly events: RunEvent[] = [];
  readonly crashes = { server: 0, client: 0 };
  /** Whose integers were in the sum of each round that has one. */
  readonly survivors = new Map<number, readonly number[]>();
  /** Rounds of all sums that the server has seen, those included that it lost in a crash. */
  readonly unmasked: number[] = [];
  /** Told what happens, to find out why a seed fails. */
  trace: (line: string) => void = () => {};
  /** Whether a client crashes at once, before it does anything else. */
  crashNow: (client: number, report: ClientReport) => boolean = () => false;
  faults: FederationFaults;
  readonly #config: Config;
  readonly #prepared: PreparedRun;
  readonly #stream: RandomStream;
  readonly #ledgers = new MemoryLedgers();
  readonly #checkpoints = memoryBlobStore();
  readonly #blobs = memoryBlobStore();
  readonly #results: (LiveClientResult | undefined)[];
  #generation = 0;
  #ledger: Ledger | undefined;
  #result: RunResult | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(config: Config, prepared: PreparedRun, seed: number, faults: FederationFaults = HEALTHY) {
    this.#config = config;
    this.#prepared = prepared;
    this.#stream = randomStream(deriveKey(rootKey(seed), "faults"));
    this.faults = faults;
    this.network = new SimulatedNetwork(this.timers, () => this.#random(), faults);
    this.#results = Array.from({ length: prepared.plan.population }, () => undefined);
  }

  /** Runs to the end. Throws what the server or a client throws that is no fault of the network. */
  async run(): Promise<RunResult> {
    this.#startServer();
    for (let client = 0; client < this.#results.length; client++)
      this.#startClient(client, memoryStates(), memoryRecords());
    await this.timers.run(() => this.#failure !== undefined || this.#isOver());
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#result!;
  }

  #isOver(): boolean {
    return this.#result !== undefined && this.#results.every((result) => result !== undefined);
  }

  #random(): number {
    return this.#stream.uint32() / 2 ** 32;
  }

  #startServer(): void {
    const generation = ++this.#generation;
    const alive = () => this.#generation === generation;
    this.#serve(alive).catch((error: unknown) => {
      if (alive()) this.#failure ??= { error };
    });
  }

  async #serve(alive: () => boolean): Promise<void> {
    const { plan, simulation } = this.#prepared;
    await this.#ledger?.close();
    const ledger = await this.#ledgers.open(plan.id);
    this.#ledger = ledger;
    const crash = () => this.#maybeCrash(alive);
    const live = await LiveServer.open(
      {
        description: describeTask(this.#config, this.#prepared),
        minimumClients: plan.population,
        progressSeconds: 600,
        longestSeconds: 86_400,
        maxUpdateBytes: 2 ** 24,
        keptVersions: 4,
        releasesOnce: plan.account !== undefined,
      },
      {
        ledger: mortal(ledger, alive, crash),
        blobs: mortal(this.#blobs, alive, crash),
        timers: this.timers,
        randomBytes: (count) => Uint8Array.from({ length: count }, () => this.#stream.uint32() & 255),
        notice: (notice) => this.trace(`server ${this.#generation}: ${JSON.stringify(notice)}`),
      },
    );
    await live.acceptToken(TOKEN);
    this.network.server = { live, blobs: mortal(this.#blobs, alive, crash) };
    const { evaluator } = await inProcessSimulation(simulation, interpreter());
    const result = await runFederation(plan, {
      backend: live.backend,
      evaluator: { ...evaluator, evaluateClients: (parameters) => live.evaluateClients(parameters) },
      clientStates: live.clientStates,
      secureAggregation: this.#secureAggregation(live),
      checkpoints: mortal(this.#checkpoints, alive, crash),
      emit: (event) => void this.events.push(event),
    });
    this.#result = result;
    const { round, stopped, modelHash } = result;
    live.finish({ round, stopped, modelHash });
  }

  #secureAggregation(live: LiveServer): SecureAggregationProtocol | undefined {
    const { id, stages } = this.#prepared.plan;
    if (stages.secureAggregation === undefined) return undefined;
    const { courier } = live;
    const protocol = liveSecureAggregation(stages.secureAggregation, {
      ...{ run: id, courier, enrolled: live.enrolled },
      // on this thread: whatever works elsewhere, virtual time does not wait for
      refused: (round, refusal) => this.trace(`round ${round}: refused ${JSON.stringify(refusal)}`),
      ...{ curves: portableCurves(), clock: () => this.timers.now() },
    });
    return {
      ...protocol,
      sum: async (request) => {
        const outcome = await protocol.sum(request);
        this.trace(`round ${request.round}: ${JSON.stringify("sum" in outcome ? outcome.survivors : outcome.failure)}`);
        // a round that is repeated after a crash counts as it ended last
        this.survivors.delete(request.round);
        if ("sum" in outcome) {
          this.survivors.set(request.round, outcome.survivors);
          this.unmasked.push(request.round);
        }
        return outcome;
      },
    };
  }

  /** Crashes the server now, if it is so drawn; whoever asks then never gets an answer. */
  #maybeCrash(alive: () => boolean): void {
    if (!alive() || this.#result !== undefined || this.#random() >= this.faults.crashServer) return;
    this.crashServer();
  }

  /** Crashes the server now; it comes back within two seconds. */
  crashServer(): void {
    this.trace("the server crashes");
    this.crashes.server += 1;
    this.#generation += 1;
    this.network.crashServer();
    this.timers.after(2000 * this.#random(), () => this.#startServer());
  }

  #startClient(client: number, states: KeptStates, records: SecureRecords): void {
    let living = true;
    const alive = () => living;
    const crash = (now = false) => {
      if (!living || this.#result !== undefined) return;
      if (!now && this.#random() >= this.faults.crashClient) return;
      living = false;
      this.trace(`client ${client} crashes`);
      this.crashes.client += 1;
      this.timers.after(2000 * this.#random(), () => this.#startClient(client, states, records));
    };
    runLiveClient({
      run: this.#prepared.plan.id,
      token: TOKEN,
      transport: this.network.transport(alive),
      identity: identityOf(client),
      states: mortal(states, alive, crash),
      records: mortal(records, alive, crash),
      curves: portableCurves(),
      executor: interpreter(),
      timers: this.timers,
      random: () => this.#random(),
      data: async () => this.#examplesOf(client),
      client,
      giveUpAfterSeconds: 3600,
      report: (event) => {
        if (event.type !== "joined") this.trace(`client ${client}: ${JSON.stringify(event)}`);
        crash(this.crashNow(client, event));
      },
    }).then(
      (result) => {
        if (living) this.#results[client] = result;
      },
      (error: unknown) => {
        // a client that the run ended without is told so when it comes back
        if (living && this.#result !== undefined)
          this.#results[client] = { stopped: "late", round: 0, modelHash: undefined };
        else if (living) this.#failure ??= { error };
      },
    );
  }

  #examplesOf(client: number): LocalExamples {
    const { train, holdout } = this.#prepared.simulation;
    return {
      train: openDataSource(train).load(client),
      holdout: holdout === undefined ? undefined : openDataSource(holdout).load(client),
    };
  }
}

/** A store of a process that can crash before or after each call: then the call never returns. */
function mortal<T extends BlobStore | Ledger | KeptStates | SecureRecords>(
  store: T,
  alive: () => boolean,
  crash: () => void,
): T {
  const never = new Promise<never>(() => {});
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...given: unknown[]) => {
        crash();
        if (!alive()) return never;
        const result: unknown = await member.apply(target, given);
        crash();
        return alive() ? result : never;
      };
    },
  });
}

function identityOf(client: number): ClientIdentity {
  const secret = new Uint8Array(32).fill(client + 1);
  return {
    publicKey: toBase64(ed25519.getPublicKey(secret)),
    sign: async (bytes) => ed25519.sign(bytes, secret),
  };
}

function memoryStates(): KeptStates {
  const kept = new Map<number, ClientVectors>();
  return {
    load: async (_run, version) => kept.get(version),
    async save(_run, version, state) {
      kept.set(version, structuredClone(state));
      for (const old of [...kept.keys()].sort((a, b) => b - a).slice(2)) kept.delete(old);
    },
  };
}

function memoryRecords(): SecureRecords {
  const kept = new Map<string, SecureRecord>();
  return {
    load: async (run) => structuredClone(kept.get(run)),
    async save(run, record) {
      kept.set(run, structuredClone(record));
    },
  };
}
