import type { PreparedRun } from "../simulation/prepare.ts";
import type { FaultSource } from "./fault-source.ts";
import type { FederationParts } from "./federation-parts.ts";
import type { RunObserver } from "./run-observer.ts";
import type { SimulatedLog } from "./simulated-log.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";
import type { VirtualTimers } from "./virtual-timers.ts";

/** What server, clients and operator of a simulated federation share. */
export interface SimulatedWorld {
  readonly prepared: PreparedRun;
  readonly parts: FederationParts;
  readonly timers: VirtualTimers;
  readonly source: FaultSource;
  readonly network: SimulatedNetwork;
  readonly observer: RunObserver;
  readonly log: SimulatedLog;
  readonly crashes: { server: number; client: number };
  /** Hears what happens. */
  trace(line: string): void;
}

/** The join token of all clients. */
export const TOKEN = "join-token";
/** Milliseconds in which a process is started again. */
export const RESTART_MS = 2000;
