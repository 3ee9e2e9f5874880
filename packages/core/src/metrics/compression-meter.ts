import type { Vector } from "../params/vector.ts";
import type { CompressionLoss } from "./task-meter.ts";

/** Adds up what the compression of the vectors of one message has lost, over all of them as if they were one. */
export class CompressionMeter {
  #bytes = 0;
  #plainBytes = 0;
  #products = { vector: 0, arrived: 0, both: 0, difference: 0 };

  /** @param bytes of the payload */
  add(vector: Vector, arrived: Vector, bytes: number): void {
    this.#bytes += bytes;
    this.#plainBytes += vector.byteLength;
    const sums = this.#products;
    for (let i = 0; i < vector.length; i++) {
      const [v, a] = [vector[i]!, arrived[i]!];
      sums.vector += v * v;
      sums.arrived += a * a;
      sums.both += v * a;
      sums.difference += (a - v) * (a - v);
    }
  }

  /** Undefined where nothing was compressed. */
  get loss(): CompressionLoss | undefined {
    if (this.#plainBytes === 0) return undefined;
    const { vector, arrived, both, difference } = this.#products;
    return {
      bytes: this.#bytes,
      plainBytes: this.#plainBytes,
      error: difference === 0 ? 0 : Math.sqrt(difference / vector),
      cosine: both / Math.sqrt(vector * arrived),
    };
  }
}
