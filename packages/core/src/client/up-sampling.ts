import { type HostTensor, mul, oneHot, softmax, type Tensor } from "@anabranch/engine";
import { harderExamples } from "../heterogeneity/index.ts";
import type { Model } from "../models/model.ts";
import { type Layout, layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";

/** Client state that says which examples are repeated. */
export const REPEATED = "repeated";

/** USEFUL on clients: which examples a client sees twice, by the outputs of an early model. */
export interface UpSampling {
  /** Rounds in which clients look for such examples. */
  readonly rounds: number;
  /** Classes with fewer examples at a client are left alone. */
  readonly minimumClass: number;
}

/** What a client of so many examples at most keeps: 1 for each example that it sees twice. */
export function repeatedLayout(most: number): Layout {
  return layout([{ name: REPEATED, shape: [most], role: "vector", block: REPEATED }]);
}

/** Probabilities of the classes of all examples, and zeros in their place, [n, C]. */
export function probabilities({ classes }: Pick<Model, "classes">, outputs: () => Tensor, labels: Tensor) {
  return {
    found: () => softmax(outputs()),
    none: () => mul(0, oneHot(labels, classes)),
  };
}

/** Whether clients look in a round, which counts from 1. */
export function looksIn({ rounds }: UpSampling, round: number): boolean {
  return round <= rounds;
}

/** The flags of a client's examples, from an early model's probabilities [n, C] for them. */
export function flagRepeated(flags: Vector, { data, shape }: HostTensor, labels: HostTensor, minimum: number): void {
  const [n, classes] = shape as [number, number];
  const rows = Array.from({ length: n }, (_, i) => Array.from(data.subarray(i * classes, (i + 1) * classes)));
  flags.fill(0);
  for (const example of harderExamples(rows, labels.data, minimum)) flags[example] = 1;
}

/** The rows that a client trains on: all of its own, then those that it sees once more. */
export function seenRows(examples: number, flags: Vector): Int32Array {
  const again = Array.from({ length: examples }, (_, i) => i).filter((i) => flags[i] === 1);
  return Int32Array.from([...Array.from({ length: examples }, (_, i) => i), ...again]);
}
