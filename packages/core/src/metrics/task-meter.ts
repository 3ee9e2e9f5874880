/**
 * What a simulation sees of clients' tasks that no message tells:
 *
 *   clipping      mean norm of the updates before the clip, and the share of clients whose update was clipped
 *   cpuSeconds    processor time of the tasks, over all threads
 *
 * Under differential privacy these numbers come from single clients without noise: epsilon does not cover them.
 */

/** What the backend of a simulation measures of one task. */
export interface TaskMeasurement {
  /** L2 norm of what was trained, before any stage. */
  readonly norm: number;
  readonly cpuSeconds?: number | undefined;
}

/** Of the clients of a round. */
export interface Clipping {
  readonly clients: number;
  readonly meanNorm: number;
  /** The bound. */
  readonly clipNorm: number;
  /** Share of the clients whose update exceeded it. */
  readonly clippedShare: number;
}

export class TaskMeter {
  #norms: number[] = [];
  #cpuSeconds: number | undefined;

  /** Of a live client nothing is known. */
  add(measured: TaskMeasurement | undefined): void {
    if (measured === undefined) return;
    this.#norms.push(measured.norm);
    if (measured.cpuSeconds !== undefined) this.#cpuSeconds = (this.#cpuSeconds ?? 0) + measured.cpuSeconds;
  }

  /** Undefined where nobody measured it. */
  get cpuSeconds(): number | undefined {
    return this.#cpuSeconds;
  }

  /** Undefined where no client finished. */
  clipping(clipNorm: number): Clipping | undefined {
    const clients = this.#norms.length;
    if (clients === 0) return undefined;
    return {
      clients,
      meanNorm: this.#norms.reduce((a, b) => a + b, 0) / clients,
      clipNorm,
      clippedShare: this.#norms.filter((norm) => norm > clipNorm).length / clients,
    };
  }
}
