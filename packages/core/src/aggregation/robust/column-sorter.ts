import type { Vector } from "../../params/vector.ts";
import { sortingNetwork } from "./sorting-network.ts";

/** Sorts the columns of blocks of `count` rows: afterwards row k has the k-th smallest value of every column. */
export class ColumnSorter {
  readonly #pairs: readonly (readonly [number, number])[];
  #rows: Vector[] = [];

  constructor(count: number) {
    this.#pairs = sortingNetwork(count);
  }

  /** Rows in memory of the sorter, valid until the next call. */
  sort(block: readonly Vector[]): readonly Vector[] {
    this.#rows = block.map((row) => row.slice() as Vector);
    for (const [a, b] of this.#pairs) exchange(this.#rows[a]!, this.#rows[b]!);
    return this.#rows;
  }
}

function exchange(a: Vector, b: Vector): void {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (y < x) {
      a[i] = y;
      b[i] = x;
    }
  }
}
