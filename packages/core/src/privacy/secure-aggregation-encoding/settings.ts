import type { FoldRule } from "../../aggregation/index.ts";
import { type Layout, layout } from "../../params/index.ts";
import { type DiscreteMechanism, paddedSize } from "../integers/index.ts";
import type { MechanismSettings } from "../mechanisms/index.ts";
import type { ProtocolName, SecureAggregationRequest } from "../secure-aggregation/protocol.ts";
import { levels, type Quantization } from "../secure-aggregation/quantization.ts";
import { metricCount } from "./metrics.ts";

/** How an update becomes whole numbers: rounded, with its weight, or with its share of discrete noise. */
export type IntegerEncoding =
  | { readonly kind: "quantized"; readonly rule: Quantization }
  | { readonly kind: "noised"; readonly mechanism: DiscreteMechanism };

/** Sums of which the server is not to see the parts, as plain data. */
export interface SecureAggregationSettings {
  readonly protocol: ProtocolName;
  /** The one vector of an update, and its number of elements. */
  readonly vector: string;
  readonly size: number;
  /** What the server half of the method is given of it. */
  readonly aggregation: FoldRule;
  readonly encoding: IntegerEncoding;
  /** Fewest survivors of a round; with fewer nothing is unmasked. At least 2. */
  readonly fewest: number;
  /** Answers that unmask a sum; undefined: what the protocol has for the size of the cohort. */
  readonly threshold?: number | undefined;
  /** What a sparse graph is laid out for, shares of the cohort. */
  readonly corrupted: number;
  readonly dropped: number;
  /**
   * "uploaded": updates carry their integers, and a simulation adds them. "kept": they stay with the client, which takes
   * part in the protocol, and an update that carries any is refused.
   */
  readonly integers: "uploaded" | "kept";
  /** Where roundings and noise come from, and in simulations keys. */
  readonly source: MechanismSettings["source"];
}

/** The vector of an update that is to be summed under masks: whole numbers. */
export const INTEGERS = "integers";

/** Integers of an update: its values, and without noise its weight, its metrics and the share of its values that were cut. */
export function integerCount({ size, encoding }: Pick<SecureAggregationSettings, "size" | "encoding">): number {
  return encoding.kind === "quantized" ? size + 1 + metricCount(encoding.rule) + 1 : paddedSize(size);
}

/** What an update carries: one vector of integers, or none. */
export function integerVectors(settings: SecureAggregationSettings): Readonly<Record<string, Layout>> {
  if (settings.integers === "kept") return {};
  const shape = [integerCount(settings)];
  return { [INTEGERS]: layout([{ name: INTEGERS, shape, role: "vector", block: INTEGERS }]) };
}

/** Largest whole number of an update, and what sums are taken modulo where they may wrap around. */
export function integerRange({
  encoding,
}: Pick<SecureAggregationSettings, "encoding">): Pick<SecureAggregationRequest, "maximum" | "modulus"> {
  if (encoding.kind === "quantized") return { maximum: levels(encoding.rule) };
  const { modulus } = encoding.mechanism;
  return { maximum: modulus - 1, modulus };
}
