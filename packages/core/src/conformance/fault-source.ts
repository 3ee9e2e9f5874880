import { deriveKey, type RandomStream, randomStream, rootKey } from "../random/index.ts";

/** What can go wrong: probabilities of each occasion, and for episodes how many begin in a minute. */
export interface Faults {
  /** Milliseconds that a message takes, in the mean. */
  readonly delay: number;
  /** A message takes fifty times as long. */
  readonly slow: number;
  /** A message is lost with its connection, as TCP loses them. */
  readonly cut: number;
  /** What was sent before the connection broke still arrives. */
  readonly linger: number;
  /** A client cannot connect. */
  readonly refuse: number;
  /** A transfer stops half way. */
  readonly break: number;
  /** A request arrives and its answer does not. */
  readonly forget: number;
  /** An upload arrives twice, one after the other. */
  readonly duplicate: number;
  /** An upload arrives twice at a time. */
  readonly concurrent: number;
  /** An upload arrives again when its round may be over. */
  readonly stale: number;
  /** A store takes up to half a minute. */
  readonly stall: number;
  /** A store throws and does nothing. */
  readonly fail: number;
  /** A store does what it was called for and throws. */
  readonly failAfter: number;
  /** A call that a store has not answered when its process crashes was done. */
  readonly inFlight: number;
  /** The server crashes while it writes a checkpoint, and half of the file is there. */
  readonly tear: number;
  /** The server crashes when it calls or hears of anything: a store, a timer, a message, an event. */
  readonly crashServer: number;
  /** A client crashes when it calls or hears of anything. */
  readonly crashClient: number;
  /** A process starts with a clock that is wrong by up to two hours and runs up to a fifth too fast or too slow. */
  readonly skew: number;
  /** Episode: one client's messages do not get through, in one direction or both, for up to three minutes. */
  readonly partition: number;
  /** Episode: a client is suspended, for seconds or for hours. */
  readonly freezeClient: number;
  /** Episode: the server is suspended, for up to two minutes. */
  readonly freezeServer: number;
  /** Episode: the server is killed and comes back after up to twenty minutes. */
  readonly outage: number;
  /** Episode: the operator pauses the run. */
  readonly pause: number;
  /** Episode: the operator ejects a client and readmits it later. */
  readonly eject: number;
  /** A client reads its examples for up to three minutes. */
  readonly read: number;
}

export type FaultName = Exclude<keyof Faults, "delay">;

/**
 * A network and machines on which nothing goes wrong.
 *
 * @example
 * ```ts
 * import { HEALTHY } from "@anabranch/core/conformance";
 * [HEALTHY.delay, HEALTHY.crashServer]; // => [1, 0]
 * ```
 */
export const HEALTHY: Faults = {
  ...{ delay: 1, slow: 0, cut: 0, linger: 0, refuse: 0, break: 0, forget: 0, duplicate: 0, concurrent: 0, stale: 0 },
  ...{ stall: 0, fail: 0, failAfter: 0, inFlight: 0, tear: 0, crashServer: 0, crashClient: 0, skew: 0 },
  ...{ partition: 0, freezeClient: 0, freezeServer: 0, outage: 0, pause: 0, eject: 0, read: 0 },
};

/**
 * More of all that a client survives without a round that it misses than any network has.
 *
 * @example
 * ```ts
 * import { CHAOS, HEALTHY } from "@anabranch/core/conformance";
 * CHAOS.crashServer > HEALTHY.crashServer; // => true
 * ```
 */
export const CHAOS: Faults = {
  ...HEALTHY,
  ...{ delay: 40, cut: 0.02, linger: 0.5, refuse: 0.2, break: 0.1, forget: 0.1, duplicate: 0.2 },
  ...{ crashServer: 0.004, crashClient: 0.004 },
};

/** Usual rates; a seed has up to four times as much of each fault, or none of it. */
const USUAL: Faults = {
  ...{ delay: 40, slow: 0.02, cut: 0.02, linger: 0.5, refuse: 0.1, break: 0.05, forget: 0.05 },
  ...{ duplicate: 0.1, concurrent: 0.1, stale: 0.1, stall: 0.03, fail: 0.01, failAfter: 0.01, inFlight: 0.5 },
  ...{ tear: 0.1, crashServer: 0.003, crashClient: 0.002, skew: 0.5 },
  ...{ partition: 20, freezeClient: 10, freezeServer: 10, outage: 4, pause: 10, eject: 8, read: 0.3 },
};

/**
 * The faults of a seed: half of the kinds, each with a rate of its own. Seeds then differ in kind, and rare faults are not
 * hidden by frequent ones (Groce et al., Swarm Testing, ISSTA 2012).
 *
 * @param name of the run: each has other faults under the same seed
 */
export function drawFaults(seed: number, name: string): Faults {
  const stream = randomStream(deriveKey(rootKey(seed), "swarm", name));
  const drawn = Object.entries(USUAL).map(([name, usual]) => {
    const [isOff, rate] = [stream.float() < 0.5, usual * 4 ** (2 * stream.float() - 1)];
    if (name === "delay") return [name, Math.max(1, rate)];
    return [name, isOff ? 0 : Math.min(rate, usual < 1 ? 0.9 : 240)];
  });
  return Object.fromEntries(drawn) as unknown as Faults;
}

/**
 * Draws what goes wrong, and counts it.
 *
 * @example
 * ```ts
 * import { FaultSource, HEALTHY } from "@anabranch/core/conformance";
 * const source = new FaultSource(1, { ...HEALTHY, cut: 1 }, 2); // two faults, then all is well
 * [1, 2, 3].map(() => source.happens("cut")); // => [true, true, false]
 * source.counts; // => { cut: 2 }
 * ```
 */
export class FaultSource {
  readonly faults: Faults;
  readonly counts: Partial<Record<FaultName, number>> = {};
  readonly #stream: RandomStream;
  #left: number;
  #sparesProcesses = false;

  /** @param most faults: then all is well */
  constructor(seed: number, faults: Faults, most = Number.POSITIVE_INFINITY) {
    this.faults = faults;
    this.#stream = randomStream(deriveKey(rootKey(seed), "faults"));
    this.#left = most;
  }

  /** In [0, 1). */
  random(): number {
    return this.#stream.uint32() / 2 ** 32;
  }

  byte(): number {
    return this.#stream.uint32() & 255;
  }

  get isCalm(): boolean {
    return this.#left <= 0;
  }

  /** No process crashes any more: the run is over. */
  spareProcesses(): void {
    this.#sparesProcesses = true;
  }

  happens(fault: FaultName): boolean {
    if (this.#sparesProcesses && (fault === "crashServer" || fault === "crashClient")) return false;
    if (this.isCalm || this.faults[fault] === 0 || this.random() >= this.faults[fault]) return false;
    this.count(fault);
    return true;
  }

  count(fault: FaultName): void {
    this.#left--;
    this.counts[fault] = (this.counts[fault] ?? 0) + 1;
  }
}
