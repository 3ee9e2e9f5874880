import type { Vector } from "../../params/vector.ts";
import { BLOCK } from "./passes.ts";
import { sortingNetwork } from "./sorting-network.ts";
import { type Kernels, kernels } from "./wasm-kernels.ts";

/** Bytes of a row that are sorted at a time, so that fifty rows stay in the first-level cache. */
const WIDTH = 256;
/** Rows lie at odd multiples of a cache line, or all of them would share a few places of the cache. */
const LINE = 64;

/** Columns in ascending order: value k of column i is `values[k * stride + i]`. */
export interface SortedColumns {
  readonly values: Vector;
  readonly stride: number;
  /** The k-th smallest value of every column. */
  row(k: number): Vector;
}

/** Sorts the columns of blocks of `count` rows by a network: the same steps for all columns, several at a time. */
export class ColumnSorter {
  readonly #count: number;
  readonly #network: readonly (readonly [number, number])[];
  #memory: { readonly kernels: Kernels; readonly type: "float32" | "float64"; readonly rowBytes: number } | undefined;

  constructor(count: number) {
    this.#count = count;
    this.#network = sortingNetwork(count);
  }

  /** The sorted columns, in memory of the sorter; valid until the next call. */
  sort(block: readonly Vector[]): SortedColumns {
    const { length } = block[0]!;
    const type = block.some((row) => row instanceof Float64Array) ? "float64" : "float32";
    const { kernels: loops, rowBytes } = this.#reserve(type);
    const size = type === "float64" ? 8 : 4;
    const values = type === "float64" ? new Float64Array(loops.memory) : new Float32Array(loops.memory);
    const stride = rowBytes / size;
    for (const [k, row] of block.entries()) values.set(row, k * stride);
    const pairs = this.#count * rowBytes;
    const end = pairs + 8 * this.#network.length;
    const bytes = length * size;
    if (this.#network.length > 0) {
      for (let base = 0; base < bytes; base += WIDTH) {
        // what lies behind the last column is sorted along, and nobody reads it
        loops.exchange[type](pairs, end, base, Math.min(WIDTH, 16 * Math.ceil((bytes - base) / 16)));
      }
    }
    return { values, stride, row: (k) => values.subarray(k * stride, k * stride + length) };
  }

  #reserve(type: "float32" | "float64") {
    if (this.#memory?.type === type) return this.#memory;
    const rowBytes = BLOCK * (type === "float64" ? 8 : 4) + LINE;
    const pairs = this.#count * rowBytes;
    const loops = kernels(pairs + 8 * this.#network.length);
    const offsets = this.#network.flatMap(([a, b]) => [a * rowBytes, b * rowBytes]);
    new Int32Array(loops.memory, pairs, offsets.length).set(offsets);
    this.#memory = { kernels: loops, type, rowBytes };
    return this.#memory;
  }
}
