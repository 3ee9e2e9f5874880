import { cast, neg, type Tensor } from "@anabranch/engine";
import { errorNorms } from "../adapters/hard-examples.ts";
import { keptExamples, type SplitTraining } from "../heterogeneity/split-training.ts";
import { deriveKey, type RandomKey } from "../random/index.ts";
import { type BatchSchedule, planBatches } from "./batches.ts";
import { type Curriculum, placesOf } from "./curriculum.ts";

/** Whether clients leave examples out of split training, and so have an order of them. */
export function choosesExamples(split: SplitTraining | undefined): split is SplitTraining {
  return split !== undefined && split.drop > 0;
}

/** Whether steps name places in an order of the examples. */
export function hasOrder({
  curriculum,
  splitTraining,
}: {
  readonly curriculum?: Curriculum | undefined;
  readonly splitTraining?: SplitTraining | undefined;
}): boolean {
  return curriculum !== undefined || choosesExamples(splitTraining);
}

/** Whether clients first train through their own parts alone. */
export function trainsShortcut(split: SplitTraining | undefined): split is SplitTraining {
  return split !== undefined && split.localLossEpochs > 0;
}

/** Examples that a client trains on through the body. */
export function splitExamples(split: SplitTraining | undefined, examples: number): number {
  return choosesExamples(split) ? keptExamples(examples, split.drop) : examples;
}

/**
 * Place of each example in an order whose first ones stay, float [n]: by EL2N under the shortcut network, as `pruneExamples`
 * has them, or where these are random the places that the host has drawn.
 */
export function keptFirst(
  { keep }: SplitTraining,
  { outputs, labels, places }: { readonly outputs: () => Tensor; readonly labels: Tensor; readonly places: Tensor },
): Tensor {
  if (keep === "random") return places;
  const scores = errorNorms(outputs(), cast(labels, "int32"));
  return placesOf(keep === "hardest" ? scores : neg(scores), places, "hard-first");
}

/** Mini-batches of a client's passes through its own parts, of all its examples, and the keys of their randomness. */
export function shortcutBatches(
  { localLossEpochs }: SplitTraining,
  {
    examples,
    batchSize,
    keys,
  }: {
    readonly examples: number;
    readonly batchSize: number;
    readonly keys: Readonly<Record<string, RandomKey>>;
  },
): { readonly batches: BatchSchedule; readonly keys: Readonly<Record<"batches" | "dropout", RandomKey>> } {
  const own = (name: string) => deriveKey(keys[name]!, "shortcut");
  const drawn = { batches: own("batches"), dropout: own("dropout") };
  return { batches: planBatches(examples, batchSize, { localEpochs: localLossEpochs }, drawn.batches), keys: drawn };
}
