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

/** What the clients of a tier train with. */
export interface RankTier extends Pick<SubModel, "batchSize" | "frozen"> {
  readonly rank: number;
}

/**
 * The models of a federation whose clients have adapters of their own ranks, on the same frozen weights. A client has the
 * leading ranks of the adapters of the whole model, at the same scale.
 *
 * @param model with adapters of the largest rank
 * @param tierOf of a client; default: its number modulo that of the tiers
 * @example
 * ```ts
 * import { layout, logistic, rankTiers, subLayout, withAdapters } from "@anabranch/core";
 * const model = withAdapters(logistic({ input: [2], classes: 2 }), { rank: 2 });
 * const sent = subLayout(layout(model.parameters), ({ name }) => name.includes("lora")); // A [2, 2], B [2, 2]
 * const { parts, places } = rankTiers(model, { shared: sent, sent }, [{ rank: 2 }, { rank: 1 }]);
 * parts.map((part) => part.layout.size); // => [8, 4]
 * places(1, 1); // => [0, 2, 4, 5]
 * ```
 */
export function rankTiers(
  model: Model,
  travelling: TravellingAdapters,
  tiers: readonly RankTier[],
  tierOf = (client: number) => client % tiers.length,
): SubModels {
  const made = new Map<RankTier, SubModel>();
  const parts = tiers.map((tier) => {
    const alike = [...made.keys()].find((one) => sameWork(one, tier));
    const { rank, batchSize, frozen } = tier;
    const part = alike === undefined ? { ...ofRank(model, travelling, rank), batchSize, frozen } : made.get(alike)!;
    made.set(tier, part);
    return part;
  });
  const places = parts.map(({ layout }) => leadingPlaces(travelling.sent, layout));
  return { parts, partOf: tierOf, places: (part) => places[part]! };
}

function sameWork(one: RankTier, other: RankTier): boolean {
  return one.rank === other.rank && one.batchSize === other.batchSize && one.frozen === other.frozen;
}

/**
 * The model with adapters of a rank, up to that of the whole, and what of it travels.
 *
 * @example
 * ```ts
 * import { layout, logistic, ofRank, subLayout, withAdapters } from "@anabranch/core";
 * const model = withAdapters(logistic({ input: [4], classes: 2 }), { rank: 2 });
 * const shared = subLayout(layout(model.parameters), ({ name }) => name.includes("lora"));
 * const { entries } = ofRank(model, { shared }, 1).layout;
 * entries.map(({ shape }) => shape); // => [[4, 1], [1, 2]]
 * ```
 */
export function ofRank(model: Model, { shared }: Pick<TravellingAdapters, "shared">, rank: number): SubModel {
  const { base, pairs, scale } = model.adapters!;
  const adapted = withAdapters(base, { rank, alpha: scale * rank, targets: pairs.map(({ weight }) => weight) });
  const whole = layoutFrom(adapted.parameters);
  // the scale itself, and not what is left of it after a product and a quotient
  if (whole.size === layoutFrom(model.parameters).size) return { model, layout: shared };
  const names = new Set(shared.entries.map(({ name }) => name));
  return { model: adapted, layout: subLayout(whole, ({ name }) => names.has(name)) };
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
