import { AnabranchError } from "@anabranch/engine";
import type { ClientReport } from "../live/client-report.ts";
import { type LiveClientResult, runLiveClient } from "../live/live-client.ts";
import { memoryRecords, memoryStates } from "./client-memory.ts";
import { faultyStore, isStoreFailure } from "./faulty-store.ts";
import { quickIdentity } from "./quick-curves.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { RESTART_MS, type SimulatedWorld, TOKEN } from "./simulated-world.ts";

/** What a client tells its federation. */
export interface ClientEvents {
  /** It is about to report something; true: it crashes. */
  reports(event: ClientReport): boolean;
  /** Whether the run is over, so that nobody who was ejected is readmitted. */
  isOver(): boolean;
  ended(end: { readonly result: LiveClientResult } | { readonly error: unknown }): void;
}

const LONGEST_READING_MS = 180_000;
/** Of a client that was not there when the run ended. */
const MISSED: LiveClientResult = { stopped: "missed", round: 0, modelHash: undefined };

/** A client of a simulated federation: its stores outlive its processes, and whoever owns it starts it again. */
export class SimulatedClient {
  process: SimulatedProcess | undefined;
  readonly #world: SimulatedWorld;
  readonly #client: number;
  readonly #events: ClientEvents;
  readonly #states = memoryStates();
  readonly #records = memoryRecords();

  constructor(world: SimulatedWorld, client: number, events: ClientEvents) {
    this.#world = world;
    this.#client = client;
    this.#events = events;
  }

  start(): void {
    const { timers, source, crashes, trace } = this.#world;
    const crashed = (where: string) => {
      trace(`client ${this.#client} crashes: ${where}`);
      crashes.client += 1;
      timers.after(RESTART_MS * source.random(), () => this.start());
    };
    const process = new SimulatedProcess({ timers, source, crashed }, "crashClient");
    this.process = process;
    this.#run(process).then(
      (result) => process.isAlive && this.#events.ended({ result }),
      (error: unknown) => process.isAlive && this.#failed(process, error),
    );
  }

  #run(process: SimulatedProcess): Promise<LiveClientResult> {
    const { prepared, parts, timers, source, network, trace } = this.#world;
    const { curves, executor, openTask } = parts;
    const client = this.#client;
    return runLiveClient({
      ...{ run: prepared.plan.id, token: TOKEN, client, giveUpAfterSeconds: 3600 },
      ...{ curves, executor, openTask, timers: process.timers, random: () => source.random() },
      transport: network.transport(client, process),
      identity: quickIdentity(curves, client),
      states: faultyStore(this.#states, process, source, timers),
      records: faultyStore(this.#records, process, source, timers),
      data: async () => {
        if (source.happens("read"))
          await new Promise<void>((resolve) => void timers.after(LONGEST_READING_MS * source.random(), resolve));
        return parts.examplesOf(client);
      },
      report: (event) => {
        if (event.type !== "joined") trace(`client ${client}: ${JSON.stringify(event)}`);
        if (this.#events.reports(event)) process.crash("it was to");
        else process.point(event.type);
      },
    });
  }

  #failed(process: SimulatedProcess, error: unknown): void {
    process.end();
    const code = error instanceof AnabranchError ? error.code : "";
    if (code === "live/ejected" && this.#events.isOver()) this.#events.ended({ result: MISSED });
    else if (code === "live/ejected" || code === "live/unreachable" || isStoreFailure(error))
      this.#world.timers.after(5 * RESTART_MS, () => this.start());
    else this.#events.ended({ error });
  }
}
