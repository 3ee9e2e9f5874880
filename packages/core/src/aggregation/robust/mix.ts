import type { Vector } from "../../params/vector.ts";
import { accumulate } from "../kernel.ts";
import { BLOCK, type UpdateSet } from "./passes.ts";
import { type Kernels, kernels } from "./wasm-kernels.ts";

/** A vector made of others: factor * (sum of the members) / divisor. */
export interface Mixture {
  readonly members: readonly number[];
  readonly factor: number;
  readonly divisor: number;
}

/** Coordinates that are mixed at a time. */
const WIDTH = 256;
/** Bytes from row to row, an odd multiple of a cache line. */
const ROW_BYTES = 8 * WIDTH + 64;
/** Members whose subsets are summed once for all mixtures. */
const GROUP = 4;

/** The set of mixtures of a set's vectors, in float64; equal mixtures are computed once and have equal bits. */
export function mix(set: UpdateSet, mixtures: readonly Mixture[]): UpdateSet {
  const keys = mixtures.map(({ members, factor, divisor }) => `${factor}/${divisor}:${members}`);
  const places = keys.map((key) => keys.indexOf(key));
  const isOwn = ({ members, factor }: Mixture, place: number) =>
    places[place] === place && (members.length > 1 || factor !== 1);
  const own = [...mixtures.keys()].filter((place) => isOwn(mixtures[place]!, place));
  const memory = new Map(own.map((place) => [place, new Float64Array(Math.min(BLOCK, set.size))]));
  const shared = own.filter((place) => mixtures[place]!.members.length > GROUP);
  const sums = new SubsetSums(
    set.count,
    shared.map((place) => mixtures[place]!.members),
  );
  return {
    count: mixtures.length,
    size: set.size,
    view(block) {
      const vectors = set.view(block);
      const { length } = vectors[0]!;
      const rows = new Map([...memory].map(([place, row]) => [place, row.subarray(0, length)]));
      sums.write(
        shared.map((place) => rows.get(place)!),
        vectors,
      );
      for (const [place, row] of rows) finish(row, vectors, mixtures[place]!);
      return places.map((place) => rows.get(place) ?? vectors[mixtures[place]!.members[0]!]!);
    },
  };
}

/** Mixtures of few members are summed here; all are scaled. */
function finish(row: Float64Array, vectors: readonly Vector[], { members, factor, divisor }: Mixture): void {
  if (members.length <= GROUP) {
    const chosen = members.map((member) => vectors[member]!);
    accumulate(row.fill(0), chosen, new Array<number>(chosen.length).fill(1), 0, row.length);
  }
  if (factor !== 1) for (let i = 0; i < row.length; i++) row[i] = row[i]! * factor;
  if (divisor !== 1) for (let i = 0; i < row.length; i++) row[i] = row[i]! / divisor;
}

/**
 * Sums of many subsets of the same vectors, by the method of the four Russians: the vectors in groups of four, the sums of
 * all subsets of a group once, and one of them for each row.
 * Source: V. L. Arlazarov, E. A. Dinic, M. A. Kronrod, I. A. Faradzev. Soviet Mathematics Doklady 11, 1970.
 */
class SubsetSums {
  readonly #loops: Kernels;
  /** Lists of addresses, each with the address of its sum: first of subsets, then of rows. */
  readonly #sums: readonly { readonly list: number; readonly end: number; readonly out: number }[];
  readonly #inputs: readonly Float64Array[];
  readonly #outputs: readonly Float64Array[];

  constructor(count: number, members: readonly (readonly number[])[]) {
    const groups = Math.ceil(count / GROUP);
    // a place for every subset of every group, by its bits; that of no member stays zero
    const subset = (group: number, bits: number) => (group * 2 ** GROUP + bits) * ROW_BYTES;
    const row = (k: number) => subset(groups, k);
    const lists: { readonly of: readonly number[]; readonly out: number }[] = [];
    for (let group = 0; group < groups; group++) {
      for (let bits = 1; bits < 2 ** GROUP; bits++) {
        const top = 2 ** Math.floor(Math.log2(bits));
        if (bits !== top) lists.push({ of: [subset(group, bits - top), subset(group, top)], out: subset(group, bits) });
      }
    }
    for (const [k, places] of members.entries()) {
      const bits = new Array<number>(groups).fill(0);
      for (const place of places) bits[Math.floor(place / GROUP)]! += 2 ** (place % GROUP);
      const of = bits.flatMap((chosen, group) => (chosen === 0 ? [] : [subset(group, chosen)]));
      lists.push({ of, out: row(k) });
    }
    let list = row(members.length);
    this.#loops = kernels(list + 4 * lists.reduce((sum, { of }) => sum + of.length, 0));
    const { memory } = this.#loops;
    this.#sums = lists.map(({ of, out }) => {
      new Int32Array(memory, list, of.length).set(of);
      const begin = list;
      list += 4 * of.length;
      return { list: begin, end: list, out };
    });
    const at = (address: number) => new Float64Array(memory, address, WIDTH);
    this.#inputs = Array.from({ length: count }, (_, place) => {
      return at(subset(Math.floor(place / GROUP), 2 ** (place % GROUP)));
    });
    this.#outputs = members.map((_, k) => at(row(k)));
  }

  /** rows[k] = the sum of the members of row k. */
  write(rows: readonly Float64Array[], vectors: readonly Vector[]): void {
    if (rows.length === 0) return;
    for (let begin = 0; begin < rows[0]!.length; begin += WIDTH) {
      const end = Math.min(begin + WIDTH, rows[0]!.length);
      for (const [place, input] of this.#inputs.entries()) input.set(vectors[place]!.subarray(begin, end));
      for (const { list, end: stop, out } of this.#sums) this.#loops.total(list, stop, out, 8 * WIDTH);
      for (const [k, row] of rows.entries()) row.set(this.#outputs[k]!.subarray(0, end - begin), begin);
    }
  }
}
