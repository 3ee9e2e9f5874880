import type { CompressionLoss } from "../metrics/task-meter.ts";
import type { Vector } from "../params/vector.ts";
import type { ClientStageContext } from "../protocol/index.ts";

/** Adds up what the compression of one client's vectors has lost, over all of them as if they were one. */
export class CompressionMeter {
  #bytes = 0;
  #plainBytes = 0;
  #products = { vector: 0, arrived: 0, both: 0, difference: 0 };

  /** What a pipeline reports to it. */
  get listener(): Pick<ClientStageContext, "compressed"> {
    return { compressed: (vector, arrived, bytes) => this.#add(vector, arrived, bytes) };
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

  #add(vector: Vector, arrived: Vector, bytes: number): void {
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
}
