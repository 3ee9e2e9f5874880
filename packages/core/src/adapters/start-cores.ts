import { truncatedSvd } from "@anabranch/engine";
import { entriesOfPairs } from "../models/merge-adapters.ts";
import type { ModelAdapters } from "../models/model.ts";
import { entryView, type Layout } from "../params/layout.ts";
import type { Vector } from "../params/vector.ts";

/**
 * Sets the factors beside a core to the leading singular vectors of the weight that they adapt, so that every client can
 * derive them without a message; cores stay at zero.
 *
 * Citation: K. Balazy et al., "LoRA-XS: Low-Rank Adaptation with Extremely Small Number of Parameters", 2024,
 * arXiv:2405.17604, section 3. Fed-SB takes singular vectors of a first gradient instead, see `coreFromGradient`.
 * @param values of the whole model, changed in place
 */
export function startCores({ pairs }: Pick<ModelAdapters, "pairs">, whole: Layout, values: Vector): void {
  for (const { weight, a, b, core } of entriesOfPairs(whole, pairs)) {
    if (core === undefined || weight === undefined) continue;
    const rows = weight.shape[0]!;
    const columns = weight.size / rows;
    const rank = core.shape[0]!;
    const { left, right } = truncatedSvd(entryView(values, weight), rows, columns, rank);
    const dense = a.shape.length === 2;
    const [rowFactor, columnFactor] = dense ? [a, b] : [b, a];
    const outer = entryView(values, rowFactor);
    // left singular vectors are rows of [rank, rows], the factor has them as columns
    for (let j = 0; j < rank; j++) for (let i = 0; i < rows; i++) outer[i * rank + j] = left[j * rows + i]!;
    entryView(values, columnFactor).set(right);
  }
}
