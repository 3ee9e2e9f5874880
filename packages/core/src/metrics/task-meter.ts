/**
 * What a simulation sees of clients' tasks that no message tells:
 *
 *   clipping      mean norm of the updates before the clip, and the share of clients whose update was clipped
 *   cpuSeconds    processor time of the tasks, over all threads
 *   compression   bytes of compressed vectors, and their distance from what was to be sent
 *
 * Under differential privacy these numbers come from single clients without noise: epsilon does not cover them.
 */

/** What the backend of a simulation measures of one task. */
export interface TaskMeasurement {
  /** L2 norm of what was trained, before any stage. */
  readonly norm: number;
  readonly cpuSeconds?: number | undefined;
  readonly compression?: CompressionLoss | undefined;
}

/** Of the compressed vectors of one client, or the means over clients. */
export interface CompressionLoss {
  /** Of their payloads, and of the same vectors as floats. */
  readonly bytes: number;
  readonly plainBytes: number;
  /** |C(v) - v| / |v|, with what feedback has kept in v; C(v) is what the server has. */
  readonly error: number;
  /** Cosine of v and C(v); NaN where one of them is 0. */
  readonly cosine: number;
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
  readonly #losses: CompressionLoss[] = [];
  #cpuSeconds: number | undefined;

  /** Of a live client nothing is known. */
  add(measured: TaskMeasurement | undefined): void {
    if (measured === undefined) return;
    this.#norms.push(measured.norm);
    if (measured.compression !== undefined) this.#losses.push(measured.compression);
    if (measured.cpuSeconds !== undefined) this.#cpuSeconds = (this.#cpuSeconds ?? 0) + measured.cpuSeconds;
  }

  /** Undefined where nobody measured it. */
  get cpuSeconds(): number | undefined {
    return this.#cpuSeconds;
  }

  /** Means over clients, of the cosines where there are any; undefined where nothing was measured. */
  get compression(): (CompressionLoss & { readonly clients: number }) | undefined {
    const clients = this.#losses.length;
    if (clients === 0) return undefined;
    const mean = (of: (loss: CompressionLoss) => number) => {
      const known = this.#losses.map(of).filter((value) => !Number.isNaN(value));
      return known.reduce((sum, value) => sum + value, 0) / known.length;
    };
    return {
      clients,
      bytes: mean(({ bytes }) => bytes),
      plainBytes: mean(({ plainBytes }) => plainBytes),
      error: mean(({ error }) => error),
      cosine: mean(({ cosine }) => cosine),
    };
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
