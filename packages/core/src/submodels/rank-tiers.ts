import { withAdapters } from "../models/low-rank-adapters.ts";
import type { Model } from "../models/model.ts";
import { type Layout, layout as layoutFrom, subLayout } from "../params/layout.ts";
import type { SubModel, SubModels } from "./sub-models.ts";

/** What of a model with adapters travels. */
export interface TravellingAdapters {
  /** Of the parameters that clients receive. */
  readonly shared: Layout;
  /** Of those of them that they train and send. */
  readonly sent: Layout;
}

/**
 * The models of a federation whose clients have adapters of their own ranks, on the same frozen weights: client i is in tier i
 * modulo the number of ranks, and has the leading ranks of the adapters of the whole model, at the same scale.
 *
 * @param model with adapters of the largest rank
 * @example
 * ```ts
 * import { layout, logistic, rankTiers, subLayout, withAdapters } from "@anabranch/core";
 * const model = withAdapters(logistic({ input: [2], classes: 2 }), { rank: 2 });
 * const sent = subLayout(layout(model.parameters), ({ name }) => name.includes("lora")); // A [2, 2], B [2, 2]
 * const { parts, places } = rankTiers(model, { shared: sent, sent }, [2, 1]);
 * parts.map((part) => part.layout.size); // => [8, 4]
 * places(1, 1); // => [0, 2, 4, 5]
 * ```
 */
export function rankTiers(model: Model, travelling: TravellingAdapters, ranks: readonly number[]): SubModels {
  const largest = Math.max(...ranks);
  const whole: SubModel = { model, layout: travelling.shared };
  const tiers = new Map(
    ranks.map((rank) => {
      const part = rank === largest ? whole : ofRank(model, travelling, rank);
      return [rank, { part, places: leadingPlaces(travelling.sent, part.layout) }];
    }),
  );
  return {
    parts: ranks.map((rank) => tiers.get(rank)!.part),
    partOf: (client) => client % ranks.length,
    places: (part) => tiers.get(ranks[part]!)!.places,
  };
}

function ofRank({ adapters }: Model, { shared }: TravellingAdapters, rank: number): SubModel {
  const { base, pairs, scale } = adapters!;
  const model = withAdapters(base, { rank, alpha: scale * rank, targets: pairs.map(({ weight }) => weight) });
  const names = new Set(shared.entries.map(({ name }) => name));
  return { model, layout: subLayout(layoutFrom(model.parameters), ({ name }) => names.has(name)) };
}

/** Where the values of tensors of smaller extents lie in the vector of a whole layout. */
function leadingPlaces(whole: Layout, part: Layout): Int32Array {
  const shapes = new Map(part.entries.map(({ name, shape }) => [name, shape]));
  return Int32Array.from(
    whole.entries.flatMap(({ name, offset, shape }) => {
      const own = shapes.get(name)!;
      let places = [0];
      for (const [axis, extent] of shape.entries())
        places = places.flatMap((place) => Array.from({ length: own[axis]! }, (_, k) => place * extent + k));
      return places.map((place) => offset + place);
    }),
  );
}
