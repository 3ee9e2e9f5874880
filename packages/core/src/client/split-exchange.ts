import type { CarriedBytes } from "../algorithms/needs.ts";
import { keptExamples, type SplitTraining } from "../heterogeneity/split-training.ts";
import { SPLIT_MESSAGES, splitMessageSize } from "../protocol/split-message.ts";

/** What the messages of split training are made of. */
export interface SplitExchange {
  /** Shape of what one example is at the cuts. */
  readonly activation: readonly number[];
  readonly split: Pick<SplitTraining, "drop">;
  readonly batchSize: number;
}

/**
 * Bytes of the four messages of each batch in a client's round, from what its update says in public: `planBatches` decides
 * how many examples a batch has.
 *
 * @example
 * ```ts
 * import { exchangedBytes } from "@anabranch/core";
 * const exchange = { activation: [6, 4], split: { drop: 0 }, batchSize: 8 };
 * const [one, two] = [1, 2].map((steps) => exchangedBytes(exchange, { examples: 8, steps }, "float32"));
 * two!.bytesUp === 2 * one!.bytesUp && one!.bytesUp > 2 * 8 * 6 * 4 * 4; // => true
 * ```
 */
export function exchangedBytes(
  { activation, split, batchSize }: SplitExchange,
  { examples, steps }: { readonly examples: number; readonly steps: number },
  float: "float32" | "float64",
): CarriedBytes {
  const kept = keptExamples(examples, split.drop);
  const perPass = Math.ceil(kept / batchSize);
  // the last batch of a pass has the rest
  const lastOnes = Math.floor(steps / perPass);
  const rest = kept - (perPass - 1) * batchSize;
  const [full, short] = [Math.min(batchSize, kept), rest].map((rows) =>
    SPLIT_MESSAGES.map((kind) => splitMessageSize(kind, [rows, ...activation], float)),
  ) as [number[], number[]];
  const total = (k: number) => (steps - lastOnes) * full[k]! + lastOnes * short[k]!;
  const sent = steps > lastOnes ? full : short;
  return {
    bytesUp: total(0) + total(2),
    bytesDown: total(1) + total(3),
    largestMessage: steps === 0 ? 0 : Math.max(...sent),
  };
}
