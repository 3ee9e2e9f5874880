import { liveSecureAggregation } from "../live/live-secure-aggregation.ts";
import { LiveServer } from "../live/live-server.ts";
import { MemoryLedgers } from "../live/memory-ledger.ts";
import type { Ledger } from "../live/ports.ts";
import type { LiveNotice } from "../live/status.ts";
import type { SecureAggregationProtocol } from "../privacy/secure-aggregation/protocol.ts";
import { type BlobStore, memoryBlobStore } from "../round/blob-store.ts";
import { resumePoint } from "../round/checkpoint-store.ts";
import { runFederation } from "../round/run.ts";
import type { RunResult } from "../round/run-plan.ts";
import { faultyStore, isStoreFailure, tellsOfStore } from "./faulty-store.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { RESTART_MS, type SimulatedWorld, TOKEN } from "./simulated-world.ts";

/** The server of a simulated federation: its stores outlive its processes, and whoever operates it starts it again. */
export class SimulatedServer {
  /** Of the process that lives. */
  live: LiveServer | undefined;
  ledger: Ledger | undefined;
  process: SimulatedProcess | undefined;
  readonly #world: SimulatedWorld;
  readonly #ended: (end: { readonly result: RunResult } | { readonly error: unknown }) => void;
  readonly #ledgers = new MemoryLedgers();
  readonly #checkpoints = memoryBlobStore();
  readonly #blobs = memoryBlobStore();
  #outageMs = 0;
  #isOver = false;

  /** @param ended hears of the end of the run, and of an error that no fault explains */
  constructor(
    world: SimulatedWorld,
    ended: (end: { readonly result: RunResult } | { readonly error: unknown }) => void,
  ) {
    this.#world = world;
    this.#ended = ended;
  }

  start(): void {
    const { timers, source, network, log, crashes, trace } = this.#world;
    const crashed = (where: string) => {
      trace(`the server crashes: ${where}`);
      crashes.server += 1;
      network.crashServer();
      log.crash();
      this.live = undefined;
      timers.after(RESTART_MS * source.random() + this.#outageMs, () => this.start());
      this.#outageMs = 0;
    };
    const process = new SimulatedProcess({ timers, source, crashed }, "crashServer");
    this.process = process;
    this.#serve(process).catch((error: unknown) => {
      if (isStoreFailure(error)) process.crash(`it ends: ${String(error)}`);
      else if (process.isAlive) this.#ended({ error });
    });
  }

  /** Crashes the server now. It comes back within two seconds after so many milliseconds. */
  kill(outageMs: number): void {
    if (this.#isOver) return;
    this.#outageMs = outageMs;
    this.process?.crash("it is killed");
  }

  /** Entries of its stores. */
  async kept(): Promise<{ readonly orders: number; readonly updates: number; readonly blobs: number }> {
    const blobs = await this.#blobs.list("");
    return { ...this.#ledgers.sizeOf(this.#world.prepared.plan.id), blobs: blobs.length };
  }

  async #serve(process: SimulatedProcess): Promise<void> {
    const { prepared, parts, observer, network, source, timers, log, trace } = this.#world;
    const { plan } = prepared;
    await this.ledger?.close();
    const ledger = await this.#ledgers.open(plan.id);
    this.ledger = ledger;
    const blobs = faultyStore(this.#blobs, process, source, timers);
    log.resume((await resumePoint(plan, this.#checkpoints))?.checkpoint.round ?? 0);
    const started = Promise.withResolvers<void>();
    const live = await LiveServer.open(this.#run(), {
      ledger: faultyStore(observer.ledger(ledger), process, source, timers),
      ...{ blobs, timers: process.timers, curves: parts.curves },
      randomBytes: (count) => Uint8Array.from({ length: count }, () => source.byte()),
      notice: (notice) => {
        this.#heard(process, notice);
        // the server notes who is there after it has said so
        queueMicrotask(() => this.live?.state !== "waiting" && started.resolve());
      },
    });
    await live.acceptToken(TOKEN);
    this.live = live;
    network.server = { live, blobs, process };
    await started.promise;
    const result = await runFederation(plan, {
      backend: observer.backend(live.backend, ledger),
      evaluator: { ...parts.evaluator, evaluateClients: (parameters) => live.evaluateClients(parameters) },
      clientStates: live.clientStates,
      secureAggregation: this.#secureAggregation(live),
      checkpoints: this.#checkpointsOf(process),
      emit: (event) => {
        trace(`event: ${JSON.stringify(event).slice(0, 160)}`);
        log.append(event);
        return process.point("event") ? undefined : new Promise(() => {});
      },
    });
    this.#isOver = true;
    this.#ended({ result });
    const { round, stopped, modelHash } = result;
    live.finish({ round, stopped, modelHash });
  }

  #run() {
    const { prepared, parts } = this.#world;
    const { population, checkpointEvery, checkpointKeep, account } = prepared.plan;
    return {
      ...{ description: parts.description, held: parts.held },
      ...{ minimumClients: population, progressSeconds: 600, longestSeconds: 86_400, maxUpdateBytes: 2 ** 24 },
      keptVersions: checkpointEvery * checkpointKeep,
      releasesOnce: account !== undefined,
    };
  }

  #heard(process: SimulatedProcess, notice: LiveNotice): void {
    this.#world.trace(`server: ${JSON.stringify(notice)}`);
    if (notice.type === "error" && !tellsOfStore(notice.error)) this.#world.observer.wrong(notice.error);
    process.point("notice");
  }

  /** No checkpoint is written before the log is; half of one may be there after a crash, but for the first. */
  #checkpointsOf(process: SimulatedProcess): BlobStore {
    const { source, timers, log } = this.#world;
    const raw = this.#checkpoints;
    const store = faultyStore(raw, process, source, timers);
    return {
      get: (name) => store.get(name),
      list: (prefix) => store.list(prefix),
      delete: (name) => store.delete(name),
      put: async (name, bytes) => {
        log.flush();
        const isFirst = (await raw.list("checkpoints/round")).length === 0;
        if (isFirst || !name.includes("round") || !source.happens("tear")) return store.put(name, bytes);
        await raw.put(name, bytes.subarray(0, bytes.length / 2));
        process.crash("it wrote half a checkpoint");
        return new Promise(() => {});
      },
    };
  }

  #secureAggregation(live: LiveServer): SecureAggregationProtocol | undefined {
    const { prepared, parts, observer, timers, trace } = this.#world;
    const { id, stages } = prepared.plan;
    if (stages.secureAggregation === undefined) return undefined;
    const { courier, enrolled } = live;
    const protocol = liveSecureAggregation(stages.secureAggregation, {
      ...{ run: id, courier, enrolled, curves: parts.curves, clock: () => timers.now() },
      refused: (round, refusal) => trace(`round ${round}: refused ${JSON.stringify(refusal)}`),
    });
    return observer.secureAggregation(protocol);
  }
}
