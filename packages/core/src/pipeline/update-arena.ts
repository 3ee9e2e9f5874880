import { BLOCK, type ChunkSource } from "../aggregation/robust/passes.ts";
import type { Vector } from "../params/vector.ts";

/** Named bytes outside the memory of the process; a `BlobStore` is one. */
export interface ScratchStore {
  put(name: string, bytes: Uint8Array): Promise<void>;
  get(name: string): Promise<Uint8Array | undefined>;
  delete(name: string): Promise<void>;
}

export interface ArenaOptions {
  /** Elements of an update. */
  readonly size: number;
  readonly float: "float32" | "float64";
  /** Bytes of updates that stay in memory; more go to the store, where there is one. */
  readonly limit: number;
  readonly store?: ScratchStore | undefined;
}

/** A cohort's updates, one vector each, in the order in which they came: in memory, and beyond a limit in a store. */
export class UpdateArena {
  readonly #options: ArenaOptions;
  #kept: Vector[] = [];
  /** Updates in each group that went to the store. */
  #groups: number[] = [];
  #chunk = BLOCK;

  constructor(options: ArenaOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#groups.reduce((sum, updates) => sum + updates, this.#kept.length);
  }

  /** Forgets all updates. @param expected how many are to come, about: it decides how much is read at a time */
  begin(expected: number): void {
    const { limit, size } = this.#options;
    const most = limit / 4 / (Math.max(1, expected) * this.#elementBytes);
    this.#chunk = Math.max(BLOCK, Math.floor(Math.min(most, size + BLOCK) / BLOCK) * BLOCK);
    this.#kept = [];
    this.#groups = [];
  }

  /** A place for the next update [size], to be filled by the caller. */
  add(): Vector {
    const { float, size } = this.#options;
    const vector = float === "float64" ? new Float64Array(size) : new Float32Array(size);
    this.#kept.push(vector);
    return vector;
  }

  /** Moves updates to the store where they take more than half of the limit. */
  async settle(): Promise<void> {
    const { size, limit, store } = this.#options;
    if (store === undefined || this.#kept.length * size * this.#elementBytes <= limit / 2) return;
    const group = this.#groups.length;
    for (let begin = 0; begin < size; begin += this.#chunk) {
      const rows = this.#kept.map((vector) => vector.subarray(begin, begin + this.#chunk));
      await store.put(scratchName(group, begin), joined(rows));
    }
    this.#groups.push(this.#kept.length);
    this.#kept = [];
  }

  /** The updates chunk by chunk. */
  source(): ChunkSource {
    return { size: this.#options.size, chunk: this.#chunk, read: (begin) => this.#read(begin) };
  }

  /** Deletes what is in the store. */
  async clear(): Promise<void> {
    const { size, store } = this.#options;
    for (const group of this.#groups.keys())
      for (let begin = 0; begin < size; begin += this.#chunk) await store!.delete(scratchName(group, begin));
    this.begin(1);
  }

  async #read(begin: number): Promise<Vector[]> {
    const { size, store, float } = this.#options;
    const length = Math.min(this.#chunk, size - begin);
    const rows: Vector[] = [];
    for (const [group, updates] of this.#groups.entries()) {
      const bytes = (await store!.get(scratchName(group, begin)))!.slice();
      const all = float === "float64" ? new Float64Array(bytes.buffer) : new Float32Array(bytes.buffer);
      for (let k = 0; k < updates; k++) rows.push(all.subarray(k * length, (k + 1) * length));
    }
    return [...rows, ...this.#kept.map((vector) => vector.subarray(begin, begin + length))];
  }

  get #elementBytes(): number {
    return this.#options.float === "float64" ? 8 : 4;
  }
}

/** First part of the names of what lies in a store for one round. */
export const SCRATCH = "scratch/";

function scratchName(group: number, begin: number): string {
  return `${SCRATCH}updates-${group}-${begin}`;
}

function joined(rows: readonly Vector[]): Uint8Array {
  const width = rows[0]!.byteLength;
  const bytes = new Uint8Array(width * rows.length);
  for (const [k, row] of rows.entries()) bytes.set(new Uint8Array(row.buffer, row.byteOffset, width), k * width);
  return bytes;
}
