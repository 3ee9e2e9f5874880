import type { Vector } from "../../params/vector.ts";
import { accumulate } from "../kernel.ts";
import { BLOCK, type UpdateSet } from "./passes.ts";

/** A vector made of others: factor * (sum of the members) / divisor. */
export interface Mixture {
  readonly members: readonly number[];
  readonly factor: number;
  readonly divisor: number;
}

/** The set of mixtures of a set's vectors, in float64; equal mixtures are computed once and have equal bits. */
export function mix(set: UpdateSet, mixtures: readonly Mixture[]): UpdateSet {
  const keys = mixtures.map(({ members, factor, divisor }) => `${factor}/${divisor}:${members}`);
  const places = keys.map((key) => keys.indexOf(key));
  const memory = new Map<number, Float64Array>();
  for (const [place, { members, factor }] of mixtures.entries()) {
    const unchanged = members.length === 1 && factor === 1;
    if (places[place] === place && !unchanged) memory.set(place, new Float64Array(Math.min(BLOCK, set.size)));
  }
  return {
    count: mixtures.length,
    size: set.size,
    view(block) {
      const vectors = set.view(block);
      const length = vectors[0]!.length;
      const mixed = new Map<number, Vector>();
      for (const [place, scratch] of memory) {
        const out = scratch.subarray(0, length);
        fill(out, vectors, mixtures[place]!);
        mixed.set(place, out);
      }
      return places.map((place) => mixed.get(place) ?? vectors[mixtures[place]!.members[0]!]!);
    },
  };
}

function fill(out: Float64Array, vectors: readonly Vector[], { members, factor, divisor }: Mixture): void {
  const { length } = out;
  out.fill(0);
  accumulate(
    out,
    members.map((member) => vectors[member]!),
    members.map(() => factor),
    0,
    length,
  );
  if (divisor !== 1) for (let i = 0; i < length; i++) out[i] = out[i]! / divisor;
}
