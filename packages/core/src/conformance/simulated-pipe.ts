import type { FaultSource } from "./fault-source.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { VirtualTimers } from "./virtual-timers.ts";

/** Milliseconds without an answer after which either side takes a connection for broken. */
export const PATIENCE_MS = 30_000;

export interface PipePorts {
  readonly timers: VirtualTimers;
  readonly source: FaultSource;
  readonly receiver: SimulatedProcess;
  /** Milliseconds that a message takes. */
  latency(): number;
  /** Until when nothing gets through. */
  blockedUntil(): number;
  /** Nothing has got through for too long. */
  broken(): void;
}

/** One direction of a control connection: what is sent arrives in the order of sending, from the first message to some last one. */
export class SimulatedPipe {
  readonly #ports: PipePorts;
  readonly #queue: { readonly at: number; deliver(): void }[] = [];
  #isPumping = false;
  #isCut = false;
  /** What the receiver hears at the end; undefined once it has, or while the connection is open. */
  #closed: (() => void) | undefined;

  constructor(ports: PipePorts) {
    this.#ports = ports;
  }

  send(deliver: () => void): void {
    if (this.#isCut) return;
    this.#add(deliver);
  }

  /** Nothing is sent any more, and what is under way may be lost. The receiver hears of the end at some time. */
  cut(closed: () => void): void {
    if (this.#isCut) return;
    const { timers, source, latency } = this.#ports;
    this.#isCut = true;
    this.#closed = closed;
    if (source.happens("linger")) this.#add(() => this.#close());
    else {
      this.#queue.length = 0;
      timers.after(latency(), () => this.#close());
    }
  }

  #close(): void {
    const closed = this.#closed;
    this.#closed = undefined;
    this.#queue.length = 0;
    if (closed !== undefined) this.#ports.receiver.whenAwake("closed", closed);
  }

  #add(deliver: () => void): void {
    const at = this.#ports.timers.now() + this.#ports.latency();
    this.#queue.push({ at, deliver });
    if (!this.#isPumping) this.#pump();
  }

  #pump(): void {
    const { timers, receiver, blockedUntil } = this.#ports;
    const head = this.#queue[0];
    this.#isPumping = head !== undefined;
    if (head === undefined) return;
    const now = timers.now();
    const wait = Math.max(head.at, blockedUntil()) - now;
    if (now - head.at >= PATIENCE_MS && wait > 0) {
      this.#isPumping = false;
      this.#queue.length = 0;
      if (this.#isCut) this.#close();
      else this.#ports.broken();
    } else if (wait > 0) {
      timers.after(Math.min(wait, PATIENCE_MS), () => this.#pump());
    } else {
      receiver.whenAwake("message", () => {
        if (this.#queue[0] === head) {
          this.#queue.shift();
          head.deliver();
        }
        this.#pump();
      });
    }
  }
}
