import { describeFailure } from "../client/describe-failure.ts";
import type { PipelineSettings } from "../pipeline/index.ts";
import type { PublicMetadata } from "../protocol/index.ts";

/**
 * Metadata of an update that is added to others by secure aggregation: the same for every client and all data.
 *
 * @example
 * ```ts
 * import { WITHHELD } from "@anabranch/core/live";
 * WITHHELD.examples; // => 0
 * ```
 */
export const WITHHELD: PublicMetadata = { examples: 0, steps: 0, weight: 1, loss: Number.NaN };

/** Whether the server is to learn nothing of a single client's data, its number of examples included. */
export function withholdsMetadata({ secureAggregation }: PipelineSettings): boolean {
  return secureAggregation !== undefined;
}

export function areWithheld(metadata: PublicMetadata): boolean {
  const [given, expected] = [Object.entries(metadata), new Map(Object.entries(WITHHELD))];
  return given.length === expected.size && given.every(([name, value]) => Object.is(value, expected.get(name)));
}

/**
 * What the server is told of a failure. Messages can have numbers of the client's data in them, so they stay with the client
 * where the server sees sums alone; beside noise the code does as well, which epsilon does not cover.
 */
export function toldFailure(
  error: unknown,
  { secureAggregation }: PipelineSettings,
): { code: string; message: string } {
  const { code, message } = describeFailure(error);
  if (secureAggregation === undefined) return { code, message };
  const told = "the client could not do this; why stays with the client";
  return { code: secureAggregation.encoding.kind === "noised" ? "client/failed" : code, message: told };
}
