import { isStoreFailure } from "./faulty-store.ts";
import type { SimulatedServer } from "./simulated-server.ts";
import type { SimulatedWorld } from "./simulated-world.ts";

/** Milliseconds in which every store has answered. */
const ANSWERED_MS = 40_000;

/** Who operates the server of a simulated federation, and ends what was begun. */
export class SimulatedOperator {
  readonly #world: SimulatedWorld;
  readonly #server: SimulatedServer;
  #isOver = false;

  constructor(world: SimulatedWorld, server: SimulatedServer) {
    this.#world = world;
    this.#server = server;
  }

  /** The run is over: nobody is ejected or readmitted any more. */
  end(): void {
    this.#isOver = true;
    this.#server.live?.resume();
  }

  pause(milliseconds: number): void {
    this.#server.live?.pause();
    this.#world.timers.after(milliseconds, () => this.#server.live?.resume());
  }

  eject(client: number, milliseconds: number): void {
    if (this.#isOver) return;
    this.#world.trace(`the operator ejects client ${client}`);
    this.#server.live?.eject(client).catch((error: unknown) => this.#expectStoreFailure(error));
    this.#world.timers.after(ANSWERED_MS + milliseconds, () => void this.#readmit(client));
  }

  /** Until it is done. */
  async #readmit(client: number): Promise<void> {
    if (this.#isOver) return;
    this.#server.live?.readmit(client).catch((error: unknown) => this.#expectStoreFailure(error));
    await new Promise<void>((resolve) => void this.#world.timers.after(ANSWERED_MS, resolve));
    const { live, ledger } = this.#server;
    const rolls = [live?.status().clients, await ledger?.clients().catch(() => undefined)];
    const isDone = rolls.every((roll) => roll?.every((one) => one.client !== client || one.status === "enrolled"));
    if (!isDone) await this.#readmit(client);
  }

  #expectStoreFailure(error: unknown): void {
    if (!isStoreFailure(error)) this.#world.observer.wrong(`the operator was answered by ${String(error)}`);
  }
}
